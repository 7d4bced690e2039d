import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import { get, open, raw, readAll, take } from './support/client.js'
import { testServers } from './support/servers.js'
import { finishedBody, GrowingBody, sha256Of } from './support/stub-bodies.js'
import { StubArtifact } from './support/stub-engine.js'

const origin = 'https://origin.example/builds/Image.gz'
const hello = 'hello, world'

describe('the fetch endpoint', () => {
  const start = testServers()

  describe('under a promised sum', () => {
    const sha256 = sha256Of(Buffer.from(hello))

    it('hands sha256 to the engine in lower case', async () => {
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

    it('sends the last byte of a range once the sum agrees', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody(12))
      body.push(hello)
      const message = await open(server.fetchUrl(origin, `&sha256=${sha256}`), { headers: { Range: 'bytes=0-4' } })
      assert.equal(String(await take(message, 4)), 'hell')
      body.finish()
      assert.equal((await readAll(message)).text, 'o')
    })

    it('does not answer with an empty body before the sum is known', async () => {
      const server = await start()
      const body = server.engine.serve(origin, new GrowingBody(0))
      const answer = get(server.fetchUrl(origin, `&sha256=${sha256}`))
      body.fail(new KissError('digest-mismatch', 'not the promised sum'))
      assert.equal((await answer).status, 412)
    })
  })

  describe('for LAVA', () => {
    it('answers the HEAD of LAVA with 200 and the identity length, and its GET with as many bytes', async () => {
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

    it('lets LAVA close a GET unread', async () => {
      const server = await start()
      server.engine.serve(origin, Buffer.alloc(64 * 1024 * 1024))
      const message = await open(server.fetchUrl(origin))
      message.destroy()
      assert.equal(await server.engine.lastArtifact.closed, 'aborted')
      assert.ok(server.engine.lastArtifact.sentBytes < 64 * 1024 * 1024)
    })
  })

  describe('with its readers', () => {
    it('notices a reader that leaves while it waits for bytes', async () => {
      const server = await start()
      server.engine.serve(origin, new GrowingBody(10))
      const message = await open(server.fetchUrl(origin))
      const record = server.records.next()
      message.destroy()
      assert.equal(await server.engine.lastArtifact.closed, 'aborted')
      assert.equal((await record).outcome, 'aborted')
      assert.ok(server.engine.lastRequest.signal?.aborted)
    })

    it('notices a reader that leaves before the answer', async () => {
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

    it('stops reading the body for a reader that does not read', async () => {
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
    it('takes the file name from the address of the endpoint, or from the URL', async () => {
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

    it('accepts an address of the endpoint with one slash too many', async () => {
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

    it('accepts a request target in absolute form', async () => {
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

    it('contacts no origin for only-if-cached', async () => {
      const server = await start()
      server.engine.serve(origin, hello)
      await get(server.fetchUrl(origin), { headers: { 'Cache-Control': 'no-transform, Only-If-Cached' } })
      assert.equal(server.engine.lastRequest.offline, true)
      await get(server.fetchUrl(origin), { headers: { 'Cache-Control': 'no-cache' } })
      assert.equal(server.engine.lastRequest.offline, false)
    })

    it('passes on the credentials for an origin, and no other header', async () => {
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

    it('passes on the headers of passheaders instead, except those that are never passed on', async () => {
      const server = await start()
      server.engine.serve(origin, hello)
      await get(server.fetchUrl(origin, '&passheaders=X-Custom,Range,Host,X-Kiss-Token,Accept-Encoding'), {
        headers: sent,
      })
      assert.deepEqual(server.engine.lastRequest.headers, { 'x-custom': 'c' })
    })

    it('passes on the headers of the settings', async () => {
      const server = await start({ passHeaders: ['X-Custom'] })
      server.engine.serve(origin, hello)
      await get(server.fetchUrl(origin), { headers: sent })
      assert.deepEqual(server.engine.lastRequest.headers, { 'x-custom': 'c' })
    })

    it('never passes a token of kiss on', async () => {
      const server = await start({ access: { adminTokens: ['admin'] } })
      server.engine.serve(origin, hello)
      await get(server.fetchUrl(origin), { headers: { Authorization: 'Bearer admin' } })
      assert.deepEqual(server.engine.lastRequest.headers, {})
    })
  })
})
