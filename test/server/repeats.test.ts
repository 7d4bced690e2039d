import assert from 'node:assert/strict'
import type { Engine } from '#kiss/engine/types.js'
import { startServer, type RunningServer, type ServerOptions } from '#kiss/server/server.js'
import { fetchAll, MovableClock, testEngines } from '../support/engine.js'
import { Origin } from '../support/origin.js'
import { get, raw, type ClientOptions } from './support/client.js'
import { TestLog } from './support/servers.js'

describe('a hit that is asked for again', () => {
  const engines = testEngines()
  const servers: RunningServer[] = []
  let origin: Origin
  beforeEach(async () => {
    origin = await Origin.start()
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close()
    await origin.close()
  })

  interface Started {
    readonly engine: Engine
    readonly log: TestLog
    readonly port: number
    /** Requests that the engine looked up; the others were repeated. */
    readonly lookUps: () => number
    readonly ask: (more?: string, options?: ClientOptions) => ReturnType<typeof get>
  }

  const start = async (engine: Engine, options: Partial<ServerOptions> = {}): Promise<Started> => {
    let lookUps = 0
    const counting: Engine = {
      ...engine,
      fetch: (request) => {
        lookUps++
        return engine.fetch(request)
      },
    }
    const log = new TestLog()
    const server = await startServer({ engine: counting, log, host: '127.0.0.1', port: 0, version: '1', ...options })
    servers.push(server)
    const url = `${server.url}api/v1/fetch?url=${encodeURIComponent(origin.url('/f'))}`
    return { engine, log, port: server.port, lookUps: () => lookUps, ask: (more = '', how) => get(url + more, how) }
  }

  /** The artifact is stored, and its answer prepared. */
  const begin = async (options: Partial<ServerOptions> = {}, how?: ClientOptions, clock = new MovableClock()) => {
    origin.serve('/f', { body: Buffer.from('hello'), etag: '"v1"', type: 'text/x-log' })
    const cacheDir = await engines.folder()
    const engine = await engines.engine({ cacheDir, clock })
    await fetchAll(engine, origin.url('/f'))
    const started = await start(engine, { now: () => clock.now(), ...options })
    assert.equal((await started.ask('', how)).headers['cache-status'], 'kiss; hit')
    return { ...started, clock, cacheDir, before: started.lookUps() }
  }

  it('gets the same answer without being looked up, with an id and an age of its own', async () => {
    const { ask, lookUps, before, clock, log } = await begin()
    const { headers: first } = await ask()
    clock.move(5_000)
    const { status, headers, text } = await ask('', { headers: { 'X-Request-Id': 'job-17' } })
    assert.equal(lookUps(), before)
    assert.deepEqual([status, text, headers['x-request-id']], [200, 'hello', 'job-17'])
    assert.notEqual(first['x-request-id'], (await ask()).headers['x-request-id'])
    assert.ok(Number(headers.age) >= 5)
    const same = ({ date, age, 'x-request-id': id, ...rest }: typeof headers): unknown => [
      rest,
      Boolean(date && age && id),
    ]
    assert.deepEqual(same(headers), same(first))
    const [looked, repeated] = log.records.map((record) => ({ ...record, id: '', firstByte: 0, duration: 0 }))
    assert.deepEqual(repeated, looked)
  })

  it('is counted as every other one, byte for byte', async () => {
    const { ask, engine, lookUps, before } = await begin()
    const counts = (await engine.status()).counts
    for (let i = 0; i < 5; i++) await ask()
    const after = (await engine.status()).counts
    assert.equal(lookUps(), before)
    assert.deepEqual(
      (['requests', 'requests_hit', 'served_hit', 'served_aborted'] as const).map((name) => after[name] - counts[name]),
      [5, 5, 25, 0],
    )
    for await (const entry of engine.list()) assert.equal(entry.hits, 6)
  })

  it('is gone from every server once it was purged on one', async () => {
    const first = await begin()
    const second = await start(await engines.engine({ cacheDir: first.cacheDir, clock: first.clock }))
    for (let i = 0; i < 3; i++) await second.ask()
    for (let round = 0; round < 5; round++) {
      await first.engine.purge({ urls: [new URL(origin.url('/f'))] })
      assert.equal((await second.ask('', { headers: { 'Cache-Control': 'only-if-cached' } })).status, 504)
      assert.notEqual((await second.ask()).headers['cache-status'], 'kiss; hit')
      while ((await first.ask()).headers['cache-status'] !== 'kiss; hit');
      for (let i = 0; i < 3; i++) assert.equal((await second.ask()).status, 200)
      await first.engine.purge({ urls: [new URL(origin.url('/f'))] })
      assert.notEqual((await second.ask()).headers['cache-status'], 'kiss; hit')
      while ((await first.ask()).headers['cache-status'] !== 'kiss; hit');
    }
  })

  it('has the new bytes once it was replaced elsewhere', async () => {
    const first = await begin()
    const other = await engines.engine({ cacheDir: first.cacheDir, clock: first.clock })
    origin.serve('/f', { body: Buffer.from('world'), etag: '"v2"', type: 'text/x-log' })
    const { artifact } = await fetchAll(other, origin.url('/f'), { refresh: true })
    await artifact.finished()
    const { text, headers } = await first.ask()
    assert.deepEqual([text, headers.etag], ['world', '"v2"'])
  })

  it('is validated once it is stale, or older than the request allows', async () => {
    const { ask, clock, lookUps, before } = await begin()
    await ask('&ttl=1h')
    await ask('&ttl=1h')
    assert.equal(lookUps(), before + 1)
    clock.move(2 * 3_600_000)
    assert.equal((await ask('&ttl=1h')).headers['cache-status'], 'kiss; fwd=stale; fwd-status=304')
    clock.move(11 * 86_400_000)
    assert.equal((await ask()).headers['cache-status'], 'kiss; fwd=stale; fwd-status=304')
  })

  it('is decided anew where the request has conditions or another method', async () => {
    const { ask } = await begin()
    assert.equal((await ask('', { headers: { 'If-None-Match': '"v1"' } })).status, 304)
    assert.equal((await ask('', { headers: { 'If-Match': '"v0"' } })).status, 412)
    const part = await ask('', { headers: { Range: 'bytes=1-2' } })
    assert.deepEqual([part.status, part.text], [206, 'el'])
    const head = await ask('', { method: 'HEAD' })
    assert.deepEqual([head.status, head.text, head.headers['content-length']], [200, '', '5'])
    assert.equal((await ask(`&sha256=${'0'.repeat(64)}`)).status, 412)
    assert.equal((await ask('', { method: 'DELETE' })).status, 405)
  })

  it('is never the answer to a request for another representation', async () => {
    const { ask } = await begin()
    const representation = (accept: string) => ask('&passheaders=accept', { headers: { accept } })
    for (const type of ['text/a', 'text/b']) {
      origin.serve('/f', { body: Buffer.from(type), etag: `"${type}"`, extra: { vary: 'Accept' } })
      await representation(type)
    }
    for (const type of ['text/a', 'text/a', 'text/b', 'text/b', 'text/a']) {
      const { body, headers } = await representation(type)
      assert.deepEqual([String(body), headers.etag, headers['cache-status']], [type, `"${type}"`, 'kiss; hit'])
    }
  })

  it('is not prepared for a target whose length would fill the memory', async () => {
    const { ask, lookUps, before } = await begin()
    const long = `&unknown=${'x'.repeat(2_000)}`
    await ask(long)
    await ask(long)
    assert.equal(lookUps() - before, 2)
  })

  it('needs its token each time', async () => {
    const token = { headers: { 'X-Kiss-Token': 'right' } }
    const { ask, lookUps, before } = await begin({ access: { clientTokens: ['right'] } }, token)
    assert.equal((await ask('', token)).status, 200)
    assert.equal(lookUps(), before)
    assert.equal((await ask()).status, 403)
    assert.equal((await ask('', { headers: { 'X-Kiss-Token': 'wrong' } })).status, 403)
  })

  it('goes to admitted addresses alone', async () => {
    const access = { allowClients: ['192.0.2.7'], trustProxies: ['127.0.0.1'] }
    const from = (address: string): ClientOptions => ({ headers: { 'X-Forwarded-For': address } })
    const { ask, lookUps, before, log } = await begin({ access }, from('192.0.2.7'))
    assert.equal((await ask('', from('192.0.2.7'))).status, 200)
    assert.equal(lookUps(), before)
    assert.equal(log.records.at(-1)?.client, '192.0.2.7')
    assert.equal((await ask('', from('192.0.2.8'))).status, 403)
  })

  it('goes to nobody who asks by a foreign name, by two names, or in another version', async () => {
    const { ask, port } = await begin()
    assert.equal((await ask('', { headers: { Host: 'evil.example' } })).status, 421)
    const target = `/api/v1/fetch?url=${encodeURIComponent(origin.url('/f'))}`
    const host = `Host: 127.0.0.1:${port}\r\n`
    const close = 'Connection: close\r\n\r\n'
    assert.match(await raw(port, `GET ${target} HTTP/1.1\r\n${host}${close}`), /^HTTP\/1\.1 200/)
    assert.match(await raw(port, `GET ${target} HTTP/1.1\r\n${host}Host: evil.example\r\n${close}`), /^HTTP\/1\.1 400/)
    assert.match(await raw(port, `GET ${target} HTTP/2.0\r\n${host}${close}`), /^HTTP\/1\.1 505/)
    assert.match(await raw(port, `GET ${target} HTTP/1.1\r\n${host}Via: 1.1 kiss\r\n${close}`), /^HTTP\/1\.1 200/)
  })

  it('is looked up each time where it is private', async () => {
    const authorization = { headers: { Authorization: 'Bearer theirs' } }
    origin.serve('/f', { body: Buffer.from('hello'), etag: '"v1"', requires: { authorization: 'Bearer theirs' } })
    const { ask, lookUps } = await start(await engines.engine({}))
    await ask('', authorization)
    while ((await ask('', authorization)).headers['cache-control'] !== 'private, no-store');
    const before = lookUps()
    for (let i = 0; i < 3; i++) await ask('', authorization)
    assert.equal(lookUps(), before + 3)
    assert.notEqual((await ask()).status, 200)
  })
})
