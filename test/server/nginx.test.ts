import assert from 'node:assert/strict'
import { mkdirSync, rmdirSync } from 'node:fs'
import path from 'node:path'
import { startServer, type RunningServer, type ServerOptions } from '#kiss/server/server.js'
import { testEngines } from '../support/engine.js'
import { startNginx, withoutNginx, type Nginx } from '../support/nginx.js'
import { bytes, latch, Origin, sha256 } from '../support/origin.js'
import { get, open, raw, readAll, take, type ClientOptions } from './support/client.js'
import { TestLog } from './support/servers.js'
import { until } from '../support/until.js'

describe('kiss behind nginx, which sends hits itself', () => {
  const missing = withoutNginx()
  if (missing !== undefined) {
    it(`is tested with a real nginx (skipped: ${missing})`)
    return
  }

  const engines = testEngines()
  const body = bytes('nginx', 300_000)
  const stops: (() => Promise<void>)[] = []
  let origin: Origin
  beforeEach(async () => {
    origin = await Origin.start()
    stops.push(() => origin.close())
  })
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  interface Lab {
    readonly server: RunningServer
    readonly nginx: Nginx
    readonly log: TestLog
    readonly cacheDir: string
    readonly ask: (name: string, options?: ClientOptions) => ReturnType<typeof get>
    readonly url: (name: string) => string
    readonly status: () => Promise<Record<string, unknown>>
  }

  const lab = async (options: Partial<ServerOptions> = {}, blobs?: (cacheDir: string) => string): Promise<Lab> => {
    const cacheDir = await engines.folder()
    const engine = await engines.engine({ cacheDir })
    const log = new TestLog()
    const server = await startServer({
      ...{ engine, log, host: '127.0.0.1', port: 0, version: '1' },
      ...{ access: { trustProxies: ['127.0.0.1'] }, accelRedirect: '/kiss-blobs/', ...options },
    })
    stops.push(() => server.close())
    const nginx = await startNginx(server.port, blobs?.(cacheDir) ?? path.join(cacheDir, 'blobs'))
    stops.push(() => nginx.stop())
    const url = (name: string): string => `${nginx.url}api/v1/fetch?url=${encodeURIComponent(origin.url(name))}`
    return {
      ...{ server, nginx, log, cacheDir, url },
      ask: (name, asked) => get(url(name), asked),
      status: async () =>
        JSON.parse((await get(`${server.url}api/v1/status/`)).text) as Promise<Record<string, unknown>>,
    }
  }

  /** Downloads it, and waits until it is stored. */
  const store = async ({ url }: Lab, name: string, options: ClientOptions = {}): Promise<void> => {
    await until('a hit', async () => {
      const { headers } = await get(url(name), { ...options, method: 'HEAD' })
      return /^kiss; hit/.test(String(headers['cache-status']))
    })
  }

  it('passes a download on while it arrives, and leaves only the finished file to nginx', async () => {
    const gate = latch()
    origin.script('/Image.gz', [{ body, stall: { after: 100_000, until: gate.opened } }])
    const kiss = await lab()
    const growing = await open(kiss.url('/Image.gz'))
    assert.ok((await take(growing, 100_000)).equals(body.subarray(0, 100_000)))
    assert.equal(growing.headers['x-accel-redirect'], undefined)
    gate.open()
    assert.ok((await readAll(growing)).body.equals(body.subarray(100_000)))
    await store(kiss, '/Image.gz')
    assert.equal(
      (await get(`${kiss.server.url}${new URL(kiss.url('/Image.gz')).href.slice(kiss.nginx.url.length)}`)).body.length,
      0,
    )
    assert.ok((await kiss.ask('/Image.gz')).body.equals(body))
    assert.equal(origin.log('/Image.gz').length, 1)
  })

  it('gives the client the same headers as kiss alone', async () => {
    const lastModified = 'Wed, 21 Oct 2015 07:28:00 GMT'
    origin.serve('/Image.gz', { body, etag: '"v1"', lastModified, type: 'application/gzip' })
    const kiss = await lab()
    await store(kiss, '/Image.gz')
    const headersOf = async (headers: Record<string, string>): Promise<Record<string, unknown>> => {
      const answer = await kiss.ask('/Image.gz', { headers: { ...headers, 'X-Request-Id': 'one' } })
      assert.ok(answer.body.equals(body))
      const moving = ['date', 'connection', 'age', 'server']
      return Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !moving.includes(name)))
    }
    const byNginx = await headersOf({})
    const names = [
      'cache-status',
      'content-disposition',
      'content-security-policy',
      'etag',
      'last-modified',
      'repr-digest',
    ]
    for (const name of names) assert.notEqual(byNginx[name], undefined, name)
    // A precondition that nginx would judge by the file is left to kiss.
    assert.deepEqual(byNginx, await headersOf({ 'If-Match': '"v1"' }))
    assert.match(String((await kiss.ask('/Image.gz')).headers.server), /^nginx/)
  })

  it('answers a client of HTTP/1.0 that sends no Host, such as U-Boot', async () => {
    origin.serve('/f', { body, etag: '"v1"' })
    const kiss = await lab({ serverNames: ['kiss.example.com'] })
    const { port, pathname, search } = new URL(kiss.url('/f'))
    for (const as of ['miss', 'hit']) {
      const answer = await raw(Number(port), `GET ${pathname}${search} HTTP/1.0\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 200 /, as)
      assert.equal(answer.length - answer.indexOf('\r\n\r\n') - 4, body.length)
      await store(kiss, '/f')
    }
  })

  it('sends no artifact compressed, though nginx compresses everything else', async () => {
    origin.serve('/plain.txt', { body, etag: '"v1"', type: 'text/plain' })
    const kiss = await lab()
    for (const as of ['miss', 'hit']) {
      const { headers } = await kiss.ask('/plain.txt', { headers: { 'Accept-Encoding': 'gzip' } })
      assert.deepEqual(
        [headers['content-encoding'], headers['content-length'], headers.etag],
        [undefined, String(body.length), '"v1"'],
        as,
      )
      await store(kiss, '/plain.txt')
    }
  })

  it('cuts ranges, and keeps to conditions of the origin’s validators', async () => {
    const lastModified = 'Wed, 21 Oct 2015 07:28:00 GMT'
    origin.serve('/f', { body, etag: '"v1"', lastModified })
    const kiss = await lab()
    await store(kiss, '/f')
    const asked = async (headers: Record<string, string>): Promise<[number, number, string | undefined]> => {
      const answer = await kiss.ask('/f', { headers })
      return [answer.status, answer.body.length, answer.headers['content-range']]
    }
    const whole = [200, body.length, undefined]
    const ten = [206, 10, `bytes 5-14/${body.length}`]
    const end = [206, 3, `bytes ${body.length - 3}-${body.length - 1}/${body.length}`]
    const none = [304, 0, undefined]
    assert.deepEqual(await asked({ Range: 'bytes=5-14' }), ten)
    assert.deepEqual(await asked({ Range: 'bytes=-3' }), end)
    assert.deepEqual(await asked({ Range: 'bytes=5-14', 'If-Range': '"v1"' }), ten)
    assert.deepEqual(await asked({ Range: 'bytes=5-14', 'If-Range': lastModified }), whole)
    assert.deepEqual(await asked({ Range: 'bytes=5-14', 'If-Range': '"v2"' }), whole)
    assert.deepEqual(await asked({ Range: 'bytes=0-1,5-6' }), whole)
    assert.deepEqual(await asked({ 'If-None-Match': '"v1"' }), none)
    assert.deepEqual(await asked({ 'If-None-Match': '"v2"' }), whole)
    assert.deepEqual(await asked({ 'If-Modified-Since': lastModified }), none)
    assert.deepEqual(await asked({ 'If-Modified-Since': 'Tue, 20 Oct 2015 07:28:00 GMT' }), whole)
    assert.deepEqual(await asked({ 'If-Match': '"v1"' }), whole)
    assert.deepEqual(await asked({ 'If-Unmodified-Since': lastModified }), whole)
    assert.equal((await asked({ 'If-Match': '"v2"' }))[0], 412)
    assert.equal((await asked({ Range: `bytes=${body.length}-` }))[0], 416)
    const part = await kiss.ask('/f', { headers: { Range: 'bytes=5-14' } })
    assert.ok(part.body.equals(body.subarray(5, 15)))
    const head = await kiss.ask('/f', { method: 'HEAD' })
    assert.deepEqual([head.status, head.headers['content-length']], [200, String(body.length)])
  })

  it('counts and logs the bytes that nginx sends', async () => {
    origin.serve('/f', { body })
    const kiss = await lab()
    await store(kiss, '/f')
    const before = Number((await kiss.status())['statistics_upload'])
    await kiss.ask('/f')
    await kiss.ask('/f', { headers: { Range: 'bytes=0-9' } })
    assert.equal(Number((await kiss.status())['statistics_upload']) - before, body.length + 10)
    const logged = kiss.log.records.filter(({ method, path }) => method === 'GET' && path === '/api/v1/fetch')
    assert.deepEqual(
      logged.slice(-2).map((record) => record.bytes),
      [body.length, 10],
    )
    assert.equal(logged.at(-1)?.client, '127.0.0.1')
  })

  it('keeps private artifacts to those whom the origin lets have them', async () => {
    origin.serve('/f', { body, etag: '"v1"', requires: { 'private-token': 'right' } })
    const kiss = await lab()
    const headers = { 'PRIVATE-TOKEN': 'right' }
    await store(kiss, '/f', { headers })
    const mine = await kiss.ask('/f', { headers })
    assert.deepEqual([mine.status, mine.headers['cache-control']], [200, 'private, no-store'])
    assert.ok(mine.body.equals(body))
    assert.ok([401, 403].includes((await kiss.ask('/f')).status))
    assert.ok([401, 403].includes((await kiss.ask('/f', { headers: { 'PRIVATE-TOKEN': 'wrong' } })).status))
    const sum = sha256(body)
    assert.equal((await get(`${kiss.nginx.url}kiss-blobs/${sum.slice(0, 2)}/${sum}`)).status, 404)
  })

  it('sends the bytes itself where nginx finds no file, and to whoever comes without nginx', async () => {
    origin.serve('/f', { body })
    const kiss = await lab({}, (cacheDir) => {
      const empty = path.join(cacheDir, '..', `${path.basename(cacheDir)}-empty`)
      mkdirSync(empty)
      stops.push(async () => rmdirSync(empty))
      return empty
    })
    await store(kiss, '/f')
    const answer = await kiss.ask('/f')
    assert.deepEqual([answer.status, answer.headers['cache-status']], [200, 'kiss; hit'])
    assert.ok(answer.body.equals(body))
    const cut = await kiss.ask('/f', { headers: { Range: 'bytes=5-14' } })
    assert.deepEqual([cut.status, cut.body], [206, body.subarray(5, 15)])

    const strict = await lab({ access: { trustProxies: ['127.0.0.2'] } })
    await store(strict, '/f')
    const direct = await strict.ask('/f')
    assert.equal(direct.headers['x-accel-redirect'], undefined)
    assert.ok(direct.body.equals(body))
  })

  it('does not let nginx make a whole body of a broken download', async () => {
    origin.script('/f', [{ body, etag: '"v1"', framing: 'chunked' }, { status: 404 }])
    const kiss = await lab()
    const wrong = await get(`${kiss.url('/f')}&sha256=${'0'.repeat(64)}`)
    assert.deepEqual([wrong.status, wrong.complete], [200, false])
  })
})
