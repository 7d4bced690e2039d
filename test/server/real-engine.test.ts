import assert from 'node:assert/strict'
import type { EngineOptions } from '#kiss/engine/types.js'
import type { RunningServer, ServerOptions } from '#kiss/server/server.js'
import { MovableClock } from '../support/engine.js'
import { bytes, latch, sha256 } from '../support/origin.js'
import { get, open, readAll, take } from './support/client.js'
import { engineServers } from './support/engine-servers.js'
import type { TestLog } from './support/servers.js'
import { until } from '../support/until.js'

describe('the server over the engine', () => {
  const here = engineServers()
  const body = bytes('server', 300_000)

  const start = async (
    engineOptions: Partial<EngineOptions> = {},
    options: Partial<ServerOptions> = {},
  ): Promise<{ server: RunningServer; log: TestLog; ask: (path: string, more?: string) => string }> => {
    const { server, log } = await here.start(options, engineOptions)
    const ask = (path: string, more = ''): string =>
      `${server.url}api/v1/fetch?url=${encodeURIComponent(here.origin.url(path))}${more}`
    return { server, log, ask }
  }

  /** Asks until the transfer has ended, and answers as the store does. */
  const untilStored = async (url: string): Promise<void> => {
    const hit = async () => (await get(url, { method: 'HEAD' })).headers['cache-status'] === 'kiss; hit'
    await until('a hit', hit)
  }

  it('downloads once and then serves from the store, with the headers of each', async () => {
    here.origin.serve('/Image.gz', { body, etag: '"v1"', type: 'application/gzip' })
    const clock = new MovableClock()
    const { ask } = await start({ clock }, { now: () => clock.now() })
    const first = await get(ask('/Image.gz'))
    assert.equal(first.headers['cache-status'], 'kiss; fwd=uri-miss; fwd-status=200; stored')
    assert.ok(first.body.equals(body))
    await untilStored(ask('/Image.gz'))
    clock.move(60_000)
    const { headers, body: again } = await get(ask('/Image.gz'))
    assert.ok(again.equals(body))
    assert.deepEqual(
      [headers['cache-status'], headers.etag, headers['content-type'], headers['content-length']],
      ['kiss; hit', '"v1"', 'application/gzip', '300000'],
    )
    assert.ok(Number(headers.age) >= 59)
    assert.equal(headers['repr-digest'], `sha-256=:${Buffer.from(sha256(body), 'hex').toString('base64')}:`)
    assert.equal(here.origin.log('/Image.gz').length, 1)
  })

  it('starts the transfer on a HEAD, and the origin need not know HEAD', async () => {
    here.origin.serve('/f', { body, refusesHead: true })
    const { ask } = await start()
    const { status, headers } = await get(ask('/f'), { method: 'HEAD' })
    assert.deepEqual([status, headers['content-length']], [200, '300000'])
    assert.ok((await get(ask('/f'))).body.equals(body))
    assert.equal(here.origin.log('/f').filter(({ method }) => method === 'GET').length, 1)
  })

  it('streams the arrived bytes to every client, ranges too', async () => {
    const gate = latch()
    here.origin.script('/f', [{ body, stall: { after: 100_000, until: gate.opened } }])
    const { ask } = await start()
    const first = await open(ask('/f'))
    await take(first, 100_000)
    const joined = await open(ask('/f'))
    assert.equal(joined.headers['cache-status'], 'kiss; fwd=uri-miss; collapsed')
    assert.ok((await take(joined, 100_000)).equals(body.subarray(0, 100_000)))
    const arrived = await get(ask('/f'), { headers: { Range: 'bytes=10-19' } })
    assert.deepEqual([arrived.status, arrived.body], [206, body.subarray(10, 20)])
    const ahead = await open(ask('/f'), { headers: { Range: 'bytes=-10' } })
    assert.equal(ahead.headers['content-range'], 'bytes 299990-299999/300000')
    gate.open()
    assert.ok((await readAll(ahead)).body.equals(body.subarray(-10)))
    assert.ok((await readAll(first)).body.equals(body.subarray(100_000)))
    assert.ok((await readAll(joined)).body.equals(body.subarray(100_000)))
    assert.equal(here.origin.log('/f').length, 1)
  })

  it('validates a stale entry and says so, and serves it stale when the origin is down', async () => {
    here.origin.script('/f', [{ body, etag: '"v1"' }])
    const clock = new MovableClock()
    const { ask } = await start({ clock }, { now: () => clock.now() })
    await get(ask('/f', '&ttl=1m'))
    await untilStored(ask('/f'))
    clock.move(180_000)
    const validated = await get(ask('/f'))
    assert.equal(validated.headers['cache-status'], 'kiss; fwd=stale; fwd-status=304')
    assert.ok(validated.body.equals(body))
    here.origin.script('/f', [{ drop: 'rst' }])
    clock.move(180_000)
    const stale = await get(ask('/f'))
    assert.match(String(stale.headers['cache-status']), /^kiss; hit; ttl=-12\d; detail=stale-if-error$/)
    assert.ok(stale.body.equals(body))
  })

  it('answers conditions and 416 on what is stored', async () => {
    here.origin.serve('/f', { body })
    const { ask } = await start()
    await get(ask('/f'))
    await untilStored(ask('/f'))
    const etag = `"sha256-${sha256(body)}"`
    assert.equal((await get(ask('/f'), { headers: { 'If-None-Match': etag } })).status, 304)
    const beyond = await get(ask('/f'), { headers: { Range: 'bytes=300000-' } })
    assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */300000'])
  })

  it('keeps to the promised sum: 412 from the store, cut short on the way', async () => {
    here.origin.serve('/f', { body })
    const { ask } = await start()
    const wrong = `&sha256=${'0'.repeat(64)}`
    const cut = await get(ask('/f', wrong))
    assert.deepEqual([cut.status, cut.complete], [200, false])
    assert.ok(cut.body.length < body.length)
    await untilStored(ask('/f'))
    assert.equal((await get(ask('/f', wrong))).status, 412)
    assert.ok((await get(ask('/f', `&sha256=${sha256(body)}`))).body.equals(body))
  })

  it('holds the last byte of a range back for a promised sum, and lets a reader that waits for it leave', async () => {
    const gate = latch()
    here.origin.script('/f', [{ body, stall: { after: 100_000, until: gate.opened } }])
    const { ask, log } = await start()
    const headers = { Range: 'bytes=0-9' }
    const patient = await open(ask('/f', `&sha256=${sha256(body)}`), { headers })
    assert.ok((await take(patient, 9)).equals(body.subarray(0, 9)))
    const leaving = await open(ask('/f', `&sha256=${sha256(body)}`), { headers })
    await take(leaving, 9)
    const record = log.next()
    leaving.destroy()
    assert.equal((await record).outcome, 'aborted')
    gate.open()
    assert.ok((await readAll(patient)).body.equals(body.subarray(9, 10)))
  })

  it('tells what the origin said, and what cannot be', async () => {
    here.origin.script('/gone', [{ status: 410 }])
    here.origin.script('/odd', [{ status: 305 }])
    const { ask, server } = await start()
    const code = async (url: string): Promise<unknown[]> => {
      const { status, text } = await get(url)
      return [status, (JSON.parse(text) as { code: string }).code]
    }
    assert.deepEqual(await code(ask('/gone')), [410, 'origin-refused'])
    assert.deepEqual(await code(ask('/odd')), [502, 'origin-failed'])
    assert.deepEqual(await code(`${server.url}api/v1/fetch?url=gopher%3A%2F%2Fh%2F`), [400, 'unsupported-scheme'])
    const guarded = await start({ upstream: { guard: true, env: {} } })
    assert.deepEqual(await code(guarded.ask('/gone')), [403, 'upstream-forbidden'])
  })

  it('keeps a private artifact to those whom the origin lets have it', async () => {
    here.origin.serve('/f', { body, etag: '"v1"', requires: { 'private-token': 'right' } })
    const { ask } = await start()
    const headers = { 'PRIVATE-TOKEN': 'right' }
    const first = await get(ask('/f'), { headers })
    assert.deepEqual([first.status, first.headers['cache-control']], [200, 'private, no-store'])
    assert.ok([401, 403].includes((await get(ask('/f'))).status))
    assert.ok([401, 403].includes((await get(ask('/f'), { headers: { 'PRIVATE-TOKEN': 'wrong' } })).status))
    assert.ok((await get(ask('/f'), { headers })).body.equals(body))
  })

  it('counts the bytes that it sent and received', async () => {
    here.origin.serve('/f', { body })
    const { ask, server } = await start()
    await get(ask('/f'))
    await untilStored(ask('/f'))
    await get(ask('/f'), { headers: { Range: 'bytes=0-9' } })
    const status = JSON.parse((await get(`${server.url}api/v1/status/`)).text) as Record<string, unknown>
    assert.equal(status['statistics_download'], body.length)
    assert.equal(status['statistics_upload'], body.length + 10)
    assert.equal(status['disk_usage'], body.length)
    assert.equal(status['resources_successes'], 1)
  })

  it('purges for the admin', async () => {
    here.origin.serve('/f', { body })
    const { ask } = await start({}, { access: { adminTokens: ['admin'] } })
    await get(ask('/f'))
    await untilStored(ask('/f'))
    const answer = await get(ask('/f'), { method: 'DELETE', headers: { Authorization: 'Bearer admin' } })
    assert.deepEqual(JSON.parse(answer.text), { removed: 1, bytes: body.length })
    await get(ask('/f'))
    assert.equal(here.origin.log('/f').length, 2)
  })

  it('serves fifty readers with one download', async () => {
    here.origin.script('/f', [{ body, throttle: 3_000_000 }])
    const { ask } = await start()
    const answers = await Promise.all(Array.from({ length: 50 }, () => get(ask('/f'))))
    assert.ok(answers.every((answer) => answer.complete && answer.body.equals(body)))
    assert.equal(here.origin.log('/f').length, 1)
    assert.equal(here.origin.log('/f')[0]?.sent, body.length)
  })
})
