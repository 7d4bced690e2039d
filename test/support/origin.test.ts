import assert from 'node:assert/strict'
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { Origin, bytes, generated, latch } from './origin.js'

interface Got {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The code of the error that ended the body early. */
  readonly error: string | undefined
}

async function ask(url: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Got> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, options, resolve).on('error', reject).end()
  })
  const parts: Buffer[] = []
  let error: string | undefined
  try {
    for await (const part of response) parts.push(part as Buffer)
  } catch (cause) {
    error = (cause as NodeJS.ErrnoException).code
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts), error }
}

describe('the scripted origin', () => {
  let origin: Origin
  const body = bytes('a', 100_000)

  beforeEach(async () => {
    origin = await Origin.start()
  })
  afterEach(() => origin.close())

  it('makes the same bytes at every offset', () => {
    assert.deepEqual(bytes('a', 100, 1001), body.subarray(1001, 1101))
    assert.deepEqual(generated('a', 100_000).subarray(17, 5000), body.subarray(17, 5000))
    assert.notDeepEqual(bytes('b', 100), bytes('a', 100))
  })

  it('serves a body with its headers, and logs what it sent', async () => {
    origin.serve('/a', { body, etag: '"1"', lastModified: 'Thu, 01 Jan 2026 00:00:00 GMT', type: 'text/x' })
    const got = await ask(origin.url('/a?x=1'), { headers: { 'x-one': '1' } })
    assert.deepEqual(got.body, body)
    assert.equal(got.headers['content-length'], '100000')
    assert.deepEqual([got.headers.etag, got.headers['content-type']], ['"1"', 'text/x'])
    const logged = await origin.answered('/a')
    assert.deepEqual([logged.path, logged.status, logged.sent, logged.headers['x-one']], ['/a?x=1', 200, 100_000, '1'])
    assert.equal((await ask(origin.url('/b'))).status, 404)
  })

  it('answers ranges when If-Range agrees, all of it when not', async () => {
    origin.serve('/a', { body, etag: '"1"' })
    const part = await ask(origin.url('/a'), { headers: { range: 'bytes=99000-', 'if-range': '"1"' } })
    assert.deepEqual([part.status, part.headers['content-range']], [206, 'bytes 99000-99999/100000'])
    assert.deepEqual(part.body, body.subarray(99_000))
    assert.equal((await ask(origin.url('/a'), { headers: { range: 'bytes=99000-', 'if-range': '"2"' } })).status, 200)
    assert.equal((await ask(origin.url('/a'), { headers: { range: 'bytes=100000-' } })).status, 416)
    assert.deepEqual((await ask(origin.url('/a'), { headers: { range: 'bytes=-5' } })).body, body.subarray(-5))
  })

  it('answers 304 to its own validators', async () => {
    origin.serve('/a', { body, etag: 'W/"1"', lastModified: 'then' })
    assert.equal((await ask(origin.url('/a'), { headers: { 'if-none-match': '"0", "1"' } })).status, 304)
    assert.equal((await ask(origin.url('/a'), { headers: { 'if-modified-since': 'then' } })).status, 304)
    const differs = await ask(origin.url('/a'), { headers: { 'if-none-match': '"0"', 'if-modified-since': 'then' } })
    assert.equal(differs.status, 200)
  })

  it('plays its steps in order, keeps the artifact between them, and stays at the last', async () => {
    origin.script('/a', [
      { status: 503, headers: { 'retry-after': '7' } },
      { body, etag: '"1"', cut: { after: 1000 } },
      { cut: { after: 2000, by: 'rst' } },
      { body: bytes('b', 10), etag: '"2"' },
    ])
    assert.equal((await ask(origin.url('/a'), { method: 'HEAD' })).headers['content-length'], '100000')
    const busy = await ask(origin.url('/a'))
    assert.deepEqual([busy.status, busy.headers['retry-after']], [503, '7'])
    const cut = await ask(origin.url('/a'))
    assert.deepEqual([cut.body.length, cut.error, cut.headers.etag], [1000, 'ECONNRESET', '"1"'])
    assert.equal((await ask(origin.url('/a'))).error, 'ECONNRESET')
    assert.equal((await ask(origin.url('/a'))).headers.etag, '"2"')
    assert.equal((await ask(origin.url('/a'))).headers.etag, '"2"')
    assert.deepEqual(
      origin.log('/a').map((request) => request.sent),
      [0, 11, 1000, 2000, 10, 10],
    )
  })

  it('ends a body without a length by chunks or by closing', async () => {
    origin.script('/chunked', [{ body, framing: 'chunked' }])
    origin.script('/close', [{ body, framing: 'close' }])
    const chunked = await ask(origin.url('/chunked'))
    assert.deepEqual([chunked.headers['transfer-encoding'], chunked.body.length], ['chunked', 100_000])
    const closed = await ask(origin.url('/close'))
    assert.deepEqual([closed.headers['transfer-encoding'], closed.headers['content-length']], [undefined, undefined])
    assert.deepEqual([closed.headers.connection, closed.body.length], ['close', 100_000])
  })

  it('stalls until it is let go, and holds headers back', async () => {
    const [body1, headers] = [latch(), latch()]
    origin.script('/a', [{ body, hold: headers.opened, stall: { after: 500, until: body1.opened } }])
    const got = ask(origin.url('/a'))
    await origin.requested('/a')
    assert.equal(origin.log('/a')[0]?.sent, 0)
    headers.open()
    body1.open()
    assert.deepEqual((await got).body, body)
  })

  it('lies about a part, redirects, compresses, asks who is there and drops connections', async () => {
    origin.script('/a', [
      { body, etag: '"1"', partial: { start: 7, total: 50, etag: '"2"' } },
      { whole: true },
      { redirect: '/b', status: 307 },
      { gzip: true },
      { gzip: false, requires: { authorization: 'Basic x' } },
      { drop: 'rst' },
    ])
    const headers = { range: 'bytes=10-19' }
    const part = await ask(origin.url('/a'), { headers })
    assert.deepEqual([part.headers['content-range'], part.headers.etag], ['bytes 7-19/50', '"2"'])
    assert.deepEqual(part.body, body.subarray(7, 20))
    assert.equal((await ask(origin.url('/a'), { headers })).status, 200)
    const redirect = await ask(origin.url('/a'))
    assert.deepEqual([redirect.status, redirect.headers.location], [307, '/b'])
    assert.deepEqual(gunzipSync((await ask(origin.url('/a'))).body), body)
    assert.equal((await ask(origin.url('/a'))).status, 401)
    await assert.rejects(ask(origin.url('/a')), { code: 'ECONNRESET' })
  })

  it('throttles', async () => {
    origin.script('/a', [{ body: generated('a', 4000), throttle: 40_000 }])
    assert.deepEqual((await ask(origin.url('/a'))).body, bytes('a', 4000))
  })

  it('refuses HEAD when told to', async () => {
    origin.script('/a', [{ body, refusesHead: true }])
    assert.equal((await ask(origin.url('/a'), { method: 'HEAD' })).status, 405)
    assert.equal((await ask(origin.url('/a'))).status, 200)
  })
})
