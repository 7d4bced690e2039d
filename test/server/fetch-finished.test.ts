import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { get } from './support/client.js'
import { testServers } from './support/servers.js'
import { sha256Of } from './support/stub-bodies.js'

const origin = 'https://origin.example/builds/Image.gz'
const hello = 'hello, world'
const date = 'Sun, 06 Nov 1994 08:49:37 GMT'

describe('the fetch endpoint on a finished entry', () => {
  const start = testServers()

  it('answers with every header of the contract', async () => {
    const server = await start({ now: () => 90_500 })
    server.engine.serve(origin, hello, {
      headers: { contentType: 'application/gzip', etag: '"v1"', lastModified: date },
      validatedAt: 30_000,
    })
    const { status, headers, text } = await get(server.fetchUrl(origin))
    assert.equal(status, 200)
    assert.equal(text, hello)
    assert.equal(headers['content-length'], '12')
    assert.equal(headers['cache-status'], 'kiss; hit')
    assert.equal(headers['content-type'], 'application/gzip')
    assert.equal(headers.etag, '"v1"')
    assert.equal(headers['last-modified'], date)
    assert.equal(
      headers['repr-digest'],
      `sha-256=:${Buffer.from(sha256Of(Buffer.from(hello)), 'hex').toString('base64')}:`,
    )
    assert.equal(headers.age, '60')
    assert.equal(headers['accept-ranges'], 'bytes')
    assert.equal(headers['content-disposition'], 'attachment; filename="Image.gz"')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['content-security-policy'], 'sandbox')
    assert.equal(headers.server, 'kiss')
    assert.equal(headers['content-encoding'], undefined)
    assert.equal(headers['cache-control'], undefined)
  })

  it('sends the sum as ETag, and a type, when the origin sent neither', async () => {
    const server = await start()
    server.engine.serve(origin, hello)
    const { headers } = await get(server.fetchUrl(origin))
    assert.equal(headers.etag, `"sha256-${sha256Of(Buffer.from(hello))}"`)
    assert.equal(headers['content-type'], 'application/octet-stream')
  })

  it('adds no ETag to a Last-Modified of the origin', async () => {
    const server = await start()
    const lastModified = 'Mon, 23 Nov 2026 10:00:00 GMT'
    server.engine.serve(origin, hello, { headers: { lastModified } })
    const { headers } = await get(server.fetchUrl(origin))
    assert.deepEqual([headers.etag, headers['last-modified']], [undefined, lastModified])
    assert.ok(headers['repr-digest'])
    const again = await get(server.fetchUrl(origin), { headers: { 'If-Modified-Since': lastModified } })
    assert.equal(again.status, 304)
  })

  it('marks a private artifact private and no-store', async () => {
    const server = await start()
    server.engine.serve(origin, hello, { private: true, detail: 'authorised' })
    const { headers } = await get(server.fetchUrl(origin))
    assert.equal(headers['cache-control'], 'private, no-store')
    assert.equal(headers['cache-status'], 'kiss; hit; detail=authorised')
  })

  it('tells in Cache-Status how long the entry has been stale', async () => {
    const server = await start({ now: () => 220_000 })
    server.engine.serve(origin, hello, { as: 'stale', detail: 'stale-if-error', staleAt: 100_000 })
    const { headers } = await get(server.fetchUrl(origin))
    assert.equal(headers['cache-status'], 'kiss; hit; ttl=-120; detail=stale-if-error')
  })

  it('answers HEAD with the same headers and no body', async () => {
    const server = await start()
    server.engine.serve(origin, hello, { headers: { etag: '"v1"' } })
    const whole = await get(server.fetchUrl(origin))
    const head = await get(server.fetchUrl(origin), { method: 'HEAD' })
    assert.equal(head.body.length, 0)
    const comparable = (headers: IncomingHttpHeaders): unknown => {
      assert.match(headers.age ?? '', /^\d+$/)
      return { ...headers, age: '', date: '', 'x-request-id': '' }
    }
    assert.deepEqual(comparable(head.headers), comparable(whole.headers))
    assert.equal(await server.engine.lastArtifact.closed, 'done')
    assert.equal(server.engine.lastArtifact.sentBytes, 0)
  })

  it('serves an empty artifact and an artifact of many buffers byte for byte', async () => {
    const server = await start()
    const large = Buffer.alloc(3_000_001, 'kiss')
    server.engine.serve('https://o/empty', '')
    server.engine.serve('https://o/large', large)
    const empty = await get(server.fetchUrl('https://o/empty'))
    assert.deepEqual([empty.status, empty.headers['content-length'], empty.body.length], [200, '0', 0])
    const { body, headers } = await get(server.fetchUrl('https://o/large'))
    assert.equal(headers['content-length'], String(large.length))
    assert.ok(body.equals(large))
    assert.equal(server.engine.lastArtifact.sentBytes, large.length)
    assert.equal(await server.engine.lastArtifact.closed, 'done')
    assert.equal(server.engine.lastArtifact.closings, 1)
  })

  it('sends a small body with one read', async () => {
    const server = await start()
    const body = server.engine.serve(origin, hello)
    await get(server.fetchUrl(origin))
    assert.equal(body.reads, 1)
  })

  it('serves single ranges', async () => {
    const server = await start()
    server.engine.serve(origin, hello, { headers: { etag: '"v1"' } })
    const cases: [string, string, string][] = [
      ['bytes=0-4', 'hello', 'bytes 0-4/12'],
      ['bytes=7-', 'world', 'bytes 7-11/12'],
      ['bytes=-5', 'world', 'bytes 7-11/12'],
      ['bytes=11-999', 'd', 'bytes 11-11/12'],
    ]
    for (const [range, text, contentRange] of cases) {
      const answer = await get(server.fetchUrl(origin), { headers: { Range: range } })
      assert.deepEqual([answer.status, answer.text, answer.headers['content-range']], [206, text, contentRange], range)
      assert.equal(answer.headers['content-length'], String(text.length))
    }
  })

  it('answers several ranges, and unreadable ones, with the whole artifact', async () => {
    const server = await start()
    server.engine.serve(origin, hello)
    for (const Range of ['bytes=0-1,3-4', 'lines=0-1', 'bytes=5-2', 'nonsense']) {
      const answer = await get(server.fetchUrl(origin), { headers: { Range } })
      assert.deepEqual([answer.status, answer.text, answer.headers['content-range']], [200, hello, undefined], Range)
    }
  })

  it('answers a range beyond the end with 416 and the length', async () => {
    const server = await start()
    server.engine.serve(origin, hello)
    const answer = await get(server.fetchUrl(origin), { headers: { Range: 'bytes=12-' } })
    assert.equal(answer.status, 416)
    assert.equal(answer.headers['content-range'], 'bytes */12')
    assert.equal(await server.engine.lastArtifact.closed, 'done')
  })

  it('serves a range under If-Range only for an equal strong ETag', async () => {
    const server = await start()
    server.engine.serve(origin, hello, { headers: { etag: '"v1"', lastModified: date } })
    const ask = async (ifRange: string): Promise<number> =>
      (await get(server.fetchUrl(origin), { headers: { Range: 'bytes=0-4', 'If-Range': ifRange } })).status
    assert.deepEqual([await ask('"v1"'), await ask('"v2"'), await ask('W/"v1"'), await ask(date)], [206, 200, 200, 200])
  })

  it('answers 304 to an equal ETag or a date that is not older', async () => {
    const server = await start()
    server.engine.serve(origin, hello, { headers: { etag: '"v1"', lastModified: date } })
    for (const headers of [{ 'If-None-Match': '"v1"' }, { 'If-None-Match': 'W/"v1"' }, { 'If-Modified-Since': date }]) {
      const answer = await get(server.fetchUrl(origin), { headers })
      assert.deepEqual([answer.status, answer.body.length, answer.headers.etag], [304, 0, '"v1"'])
      assert.equal(answer.headers['cache-status'], 'kiss; hit')
    }
    const other = await get(server.fetchUrl(origin), { headers: { 'If-None-Match': '"v2"' } })
    assert.equal(other.status, 200)
    const failed = await get(server.fetchUrl(origin), { headers: { 'If-Match': '"v2"' } })
    assert.equal(failed.status, 412)
  })
})
