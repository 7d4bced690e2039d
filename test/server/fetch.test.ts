import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { KissError } from '#kiss/errors.js'
import { endsByReset, get, open, raw, readAll, take } from './support/client.js'
import { testServers } from './support/servers.js'
import { finishedBody, GrowingBody, sha256Of, StubArtifact } from './support/stub-engine.js'

const origin = 'https://origin.example/builds/Image.gz'
const hello = 'hello, world'
const date = 'Sun, 06 Nov 1994 08:49:37 GMT'

describe('the fetch endpoint', () => {
  const start = testServers()

  describe('on a finished entry', () => {
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

    it('gives the sum as its own ETag, and a type, where the origin gave none', async () => {
      const server = await start()
      server.engine.serve(origin, hello)
      const { headers } = await get(server.fetchUrl(origin))
      assert.equal(headers.etag, `"sha256-${sha256Of(Buffer.from(hello))}"`)
      assert.equal(headers['content-type'], 'application/octet-stream')
    })

    it('gives no ETag of its own beside a Last-Modified of the origin', async () => {
      const server = await start()
      const lastModified = 'Mon, 23 Nov 2026 10:00:00 GMT'
      server.engine.serve(origin, hello, { headers: { lastModified } })
      const { headers } = await get(server.fetchUrl(origin))
      assert.deepEqual([headers.etag, headers['last-modified']], [undefined, lastModified])
      assert.ok(headers['repr-digest'])
      const again = await get(server.fetchUrl(origin), { headers: { 'If-Modified-Since': lastModified } })
      assert.equal(again.status, 304)
    })

    it('marks a private artifact for every cache between', async () => {
      const server = await start()
      server.engine.serve(origin, hello, { private: true, detail: 'authorised' })
      const { headers } = await get(server.fetchUrl(origin))
      assert.equal(headers['cache-control'], 'private, no-store')
      assert.equal(headers['cache-status'], 'kiss; hit; detail=authorised')
    })

    it('says for how long it has been stale', async () => {
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
      const comparable = (headers: IncomingHttpHeaders): unknown => ({ ...headers, date: '', 'x-request-id': '' })
      assert.deepEqual(comparable(head.headers), comparable(whole.headers))
      assert.equal(await server.engine.lastArtifact.closed, 'done')
      assert.equal(server.engine.lastArtifact.sentBytes, 0)
    })

    it('serves an empty artifact, and one of many buffers, byte for byte', async () => {
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
        assert.deepEqual(
          [answer.status, answer.text, answer.headers['content-range']],
          [206, text, contentRange],
          range,
        )
        assert.equal(answer.headers['content-length'], String(text.length))
      }
    })

    it('answers several ranges, and those it cannot read, with everything', async () => {
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
      assert.deepEqual(
        [await ask('"v1"'), await ask('"v2"'), await ask('W/"v1"'), await ask(date)],
        [206, 200, 200, 200],
      )
    })

    it('answers 304 to an equal ETag or a date that is not older', async () => {
      const server = await start()
      server.engine.serve(origin, hello, { headers: { etag: '"v1"', lastModified: date } })
      for (const headers of [
        { 'If-None-Match': '"v1"' },
        { 'If-None-Match': 'W/"v1"' },
        { 'If-Modified-Since': date },
      ]) {
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

  describe('on a growing body', () => {
    it('sends the headers at once and each byte as it arrives', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody(10), { headers: { etag: '"v1"' } })
      const message = await open(server.fetchUrl(origin))
      assert.equal(message.headers['cache-status'], 'kiss; fwd=uri-miss; fwd-status=200; stored')
      assert.equal(message.headers['content-length'], '10')
      assert.equal(message.headers['repr-digest'], undefined)
      assert.equal(message.headers.age, undefined)
      body.push('first')
      assert.equal(String(await take(message, 5)), 'first')
      body.push('later')
      body.finish()
      assert.equal((await readAll(message)).text, 'later')
      assert.equal(await server.engine.lastArtifact.closed, 'done')
    })

    it('says that a request joined the transfer of another', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody(5), { as: 'collapsed' })
      const message = await open(server.fetchUrl(origin))
      assert.equal(message.headers['cache-status'], 'kiss; fwd=uri-miss; collapsed')
      body.push(hello.slice(0, 5))
      body.finish()
      assert.ok((await readAll(message)).complete)
    })

    it('is sent in chunks where the length is unknown, and ends properly', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody())
      const message = await open(server.fetchUrl(origin))
      assert.equal(message.headers['content-length'], undefined)
      assert.equal(message.headers['transfer-encoding'], 'chunked')
      body.push(hello)
      body.finish()
      const { text, complete } = await readAll(message)
      assert.deepEqual([text, complete], [hello, true])
    })

    it('answers HEAD as soon as the headers are known, and leaves', async () => {
      const server = await start()
      server.engine.serve(origin, new GrowingBody(10), { headers: { contentType: 'text/plain' } })
      const { status, headers } = await get(server.fetchUrl(origin), { method: 'HEAD' })
      assert.deepEqual([status, headers['content-length'], headers['content-type']], [200, '10', 'text/plain'])
      assert.equal(await server.engine.lastArtifact.closed, 'done')
    })

    it('serves a range that has arrived at once', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody(12))
      body.push('hello')
      const answer = await get(server.fetchUrl(origin), { headers: { Range: 'bytes=1-3' } })
      assert.deepEqual([answer.status, answer.text, answer.headers['content-range']], [206, 'ell', 'bytes 1-3/12'])
    })

    it('lets a range that has not arrived wait for its bytes', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody(12))
      const message = await open(server.fetchUrl(origin), { headers: { Range: 'bytes=-5' } })
      assert.deepEqual([message.statusCode, message.headers['content-range']], [206, 'bytes 7-11/12'])
      body.push(hello)
      body.finish()
      assert.equal((await readAll(message)).text, 'world')
    })

    it('serves a closed range of unknown length when its last byte is there', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody())
      const answer = get(server.fetchUrl(origin), { headers: { Range: 'bytes=0-4' } })
      body.push('he')
      body.push('llo')
      const { status, text, headers } = await answer
      assert.deepEqual([status, text, headers['content-range']], [206, 'hello', 'bytes 0-4/*'])
    })

    it('answers a range of unknown length by what there is in the end', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody())
      const cut = get(server.fetchUrl(origin), { headers: { Range: 'bytes=3-9' } })
      const beyond = get(server.fetchUrl(origin), { headers: { Range: 'bytes=8-9' } })
      body.push('hello')
      body.finish()
      assert.equal((await cut).headers['content-range'], 'bytes 3-4/5')
      assert.equal((await beyond).status, 416)
    })

    it('answers an open-ended range of unknown length with everything', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody())
      body.push(hello)
      const message = await open(server.fetchUrl(origin), { headers: { Range: 'bytes=3-' } })
      body.finish()
      assert.deepEqual([message.statusCode, (await readAll(message)).text], [200, hello])
    })

    it('ignores conditions: nothing can be confirmed yet', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody(5), { headers: { etag: '"v1"' } })
      const message = await open(server.fetchUrl(origin), { headers: { 'If-None-Match': '"v1"' } })
      assert.equal(message.statusCode, 200)
      body.push('hello')
      body.finish()
      await readAll(message)
    })

    it('closes the connection short when the bytes will never come', async () => {
      const server = await start()
      for (const length of [10, undefined]) {
        const body = server.engine.serve(origin, new GrowingBody(length))
        const message = await open(server.fetchUrl(origin))
        body.push('first')
        await take(message, 5)
        const record = server.records.next()
        body.fail(new KissError('content-changed', 'the content changed'))
        assert.equal((await readAll(message)).complete, false)
        assert.equal(await server.engine.lastArtifact.closed, 'aborted')
        const { outcome, code, bytes } = await record
        assert.deepEqual([outcome, code, bytes], ['failed', 'content-changed', 5])
      }
    })

    it('resets the connection of an HTTP/1.0 client, which could not tell a close from the end', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody())
      body.push('first')
      body.fail(new KissError('content-changed', 'the content changed'))
      const url = `/api/v1/fetch?url=${encodeURIComponent(origin)}`
      assert.ok(await endsByReset(server.port, `GET ${url} HTTP/1.0\r\n\r\n`))
      body.finish()
      assert.ok(!(await endsByReset(server.port, `GET ${url} HTTP/1.0\r\n\r\n`)))
    })

    it('is cut short when it ends before its announced length', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody(10))
      const message = await open(server.fetchUrl(origin))
      body.push('short')
      body.finish()
      assert.equal((await readAll(message)).complete, false)
    })
  })

  describe('under a promised sum', () => {
    const sha256 = sha256Of(Buffer.from(hello))

    it('hands the sum to the engine, whatever its case', async () => {
      const server = await start()
      server.engine.serve(origin, hello)
      await get(server.fetchUrl(origin, `&sha256=${sha256.toUpperCase()}`))
      assert.equal(server.engine.lastRequest.sha256, sha256)
    })

    it('holds the last byte of a range back until the sum is known', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody(12))
      body.push(hello)
      const message = await open(server.fetchUrl(origin, `&sha256=${sha256}`), { headers: { Range: 'bytes=0-4' } })
      assert.equal(String(await take(message, 4)), 'hell')
      body.fail(new KissError('digest-mismatch', 'not the promised sum'))
      const rest = await readAll(message)
      assert.deepEqual([rest.text, rest.complete], ['', false])
    })

    it('sends that byte once the sum agrees', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody(12))
      body.push(hello)
      const message = await open(server.fetchUrl(origin, `&sha256=${sha256}`), { headers: { Range: 'bytes=0-4' } })
      assert.equal(String(await take(message, 4)), 'hell')
      body.finish()
      assert.equal((await readAll(message)).text, 'o')
    })

    it('does not begin to answer with an empty body before the sum is known', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody(0))
      const answer = get(server.fetchUrl(origin, `&sha256=${sha256}`))
      body.fail(new KissError('digest-mismatch', 'not the promised sum'))
      assert.equal((await answer).status, 412)
    })
  })

  describe('for LAVA', () => {
    it('answers its HEAD with 200 and the identity length, and its GET with so many bytes', async () => {
      const server = await start()
      const body = Buffer.alloc(100_000, 'compressible ')
      server.engine.serve(origin, body, { headers: { contentType: 'text/plain' } })
      // LAVA fills its format with quote_plus.
      const url = `${server.url}api/v1/fetch/Image.gz?url=https%3A%2F%2Forigin.example%2Fbuilds%2FImage.gz`
      const head = await get(url, { method: 'HEAD', headers: { 'Accept-Encoding': '', 'X-Job': '1' } })
      assert.deepEqual([head.status, head.headers['content-length']], [200, String(body.length)])
      const whole = await get(url, { headers: { 'Accept-Encoding': 'gzip, deflate', 'X-Job': '1' } })
      assert.equal(whole.headers['content-encoding'], undefined)
      assert.equal(whole.headers['content-length'], head.headers['content-length'])
      assert.ok(whole.body.equals(body))
    })

    it('lets it close a GET unread', async () => {
      const server = await start()
      server.engine.serve(origin, Buffer.alloc(64 * 1024 * 1024))
      const message = await open(server.fetchUrl(origin))
      message.destroy()
      assert.equal(await server.engine.lastArtifact.closed, 'aborted')
      assert.ok(server.engine.lastArtifact.sentBytes < 64 * 1024 * 1024)
    })
  })

  describe('with its readers', () => {
    it('notices one that leaves while it waits for bytes', async () => {
      const server = await start()
      server.engine.serve(origin, new GrowingBody(10))
      const message = await open(server.fetchUrl(origin))
      const record = server.records.next()
      message.destroy()
      assert.equal(await server.engine.lastArtifact.closed, 'aborted')
      assert.equal((await record).outcome, 'aborted')
      assert.ok(server.engine.lastRequest.signal?.aborted)
    })

    it('notices one that leaves before there is an answer', async () => {
      const server = await start()
      const asked = new Promise<void>((resolve) => {
        server.engine.answer(origin, async (request) => {
          resolve()
          await new Promise((_, reject) => {
            const { signal } = request
            signal?.addEventListener('abort', () => reject(signal.reason as Error))
          })
          return new StubArtifact(request, finishedBody(''))
        })
      })
      const record = server.records.next()
      const leaving = open(server.fetchUrl(origin), { headers: { Connection: 'close' } })
      await asked
      await server.close()
      await assert.rejects(leaving)
      assert.equal((await record).outcome, 'aborted')
    })

    it('reads no further for one that does not read', async () => {
      const server = await start()
      const large = Buffer.alloc(64 * 1024 * 1024)
      const body = server.engine.serve(origin, large)
      const message = await open(server.fetchUrl(origin))
      message.pause()
      const before = body.reads
      // Another reader gets everything while the first one sleeps.
      assert.equal((await get(server.fetchUrl(origin))).body.length, large.length)
      assert.ok(body.largestRead <= 256 * 1024)
      assert.ok(before < 64, `${before} reads for a client that reads nothing`)
      message.destroy()
    })
  })

  describe('in its three forms', () => {
    it('takes the file name from the address, or from the URL', async () => {
      const server = await start()
      server.engine.serve(origin, hello)
      const query = `?url=${encodeURIComponent(origin)}`
      for (const [path, name] of [
        ['fetch', 'Image.gz'],
        ['fetch/', 'Image.gz'],
        ['fetch/my%20kernel', 'my kernel'],
        ['fetch/..%2F..%2Fx', '.._.._x'],
      ]) {
        const { status, headers } = await get(`${server.url}api/v1/${path}${query}`)
        assert.deepEqual([status, headers['content-disposition']], [200, `attachment; filename="${name}"`], path)
      }
      assert.equal((await get(`${server.url}api/v1/fetch/a/b${query}`)).status, 404)
    })

    it('takes an address that was joined with one slash too many', async () => {
      const server = await start()
      server.engine.serve(origin, hello)
      assert.equal((await get(`${server.url}/api/v1/fetch?url=${encodeURIComponent(origin)}`)).text, hello)
    })

    it('hands ttl, patience and the URL with its credentials to the engine', async () => {
      const server = await start()
      const url = 'https://user:secret@origin.example/f?token=t'
      server.engine.serve(url, hello)
      await get(server.fetchUrl(url, '&ttl=10d'))
      const { url: given, ttl, patience } = server.engine.lastRequest
      assert.deepEqual([given.href, ttl, patience], [url, 864_000_000, 55_000])
    })

    it('takes a target of absolute form', async () => {
      const server = await start()
      server.engine.serve(origin, hello)
      const target = server.fetchUrl(origin)
      const text = await raw(server.port, `GET ${target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`)
      assert.match(text, /^HTTP\/1\.1 200 [^]*hello, world$/)
    })
  })

  describe('with the headers of a client', () => {
    const sent = {
      Authorization: 'Bearer origin',
      'PRIVATE-TOKEN': 'p',
      'JOB-TOKEN': 'j',
      Authentication: 'a',
      'X-Custom': 'c',
      'X-Kiss-Token': 'k',
      Cookie: 'no',
      'X-Forwarded-For': '1.2.3.4',
      Range: 'bytes=0-1',
      'Accept-Encoding': 'gzip',
    }

    it('asks no origin for a client that only wants what is cached', async () => {
      const server = await start()
      server.engine.serve(origin, hello)
      await get(server.fetchUrl(origin), { headers: { 'Cache-Control': 'no-transform, Only-If-Cached' } })
      assert.equal(server.engine.lastRequest.offline, true)
      await get(server.fetchUrl(origin), { headers: { 'Cache-Control': 'no-cache' } })
      assert.equal(server.engine.lastRequest.offline, false)
    })

    it('passes on what is a credential of an origin, and nothing else', async () => {
      const server = await start()
      server.engine.serve(origin, hello)
      await get(server.fetchUrl(origin), { headers: sent })
      assert.deepEqual(server.engine.lastRequest.headers, {
        authorization: 'Bearer origin',
        'private-token': 'p',
        'job-token': 'j',
        authentication: 'a',
      })
    })

    it('passes on what passheaders names instead, but never what rule 10 refuses', async () => {
      const server = await start()
      server.engine.serve(origin, hello)
      await get(server.fetchUrl(origin, '&passheaders=X-Custom,Range,Host,X-Kiss-Token,Accept-Encoding'), {
        headers: sent,
      })
      assert.deepEqual(server.engine.lastRequest.headers, { 'x-custom': 'c' })
    })

    it('passes on what the settings name', async () => {
      const server = await start({ passHeaders: ['X-Custom'] })
      server.engine.serve(origin, hello)
      await get(server.fetchUrl(origin), { headers: sent })
      assert.deepEqual(server.engine.lastRequest.headers, { 'x-custom': 'c' })
    })

    it('never passes a token of its own on', async () => {
      const server = await start({ access: { adminTokens: ['admin'] } })
      server.engine.serve(origin, hello)
      await get(server.fetchUrl(origin), { headers: { Authorization: 'Bearer admin' } })
      assert.deepEqual(server.engine.lastRequest.headers, {})
    })
  })
})
