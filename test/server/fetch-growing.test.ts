import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import { endsByReset, get, open, readAll, take } from './support/client.js'
import { testServers } from './support/servers.js'
import { GrowingBody } from './support/stub-bodies.js'

const origin = 'https://origin.example/builds/Image.gz'
const hello = 'hello, world'

describe('the fetch endpoint on a growing body', () => {
  const start = testServers()

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

  it('tells in Cache-Status that a request joined a transfer', async () => {
    const server = await start()
    const body = server.engine.serve(origin, new GrowingBody(5), { as: 'collapsed' })
    const message = await open(server.fetchUrl(origin))
    assert.equal(message.headers['cache-status'], 'kiss; fwd=uri-miss; collapsed')
    body.push(hello.slice(0, 5))
    body.finish()
    assert.ok((await readAll(message)).complete)
  })

  it('sends a body of unknown length in chunks, and ends it properly', async () => {
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

  it('answers HEAD as soon as the headers are known, and leaves the transfer', async () => {
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

  it('sends a range that has not arrived when its bytes come', async () => {
    const server = await start()
    const body = server.engine.serve(origin, new GrowingBody(12))
    const message = await open(server.fetchUrl(origin), { headers: { Range: 'bytes=-5' } })
    assert.deepEqual([message.statusCode, message.headers['content-range']], [206, 'bytes 7-11/12'])
    body.push(hello)
    body.finish()
    assert.equal((await readAll(message)).text, 'world')
  })

  it('serves a closed range of a body of unknown length when its last byte has arrived', async () => {
    const server = await start()
    const body = server.engine.serve(origin, new GrowingBody())
    const answer = get(server.fetchUrl(origin), { headers: { Range: 'bytes=0-4' } })
    body.push('he')
    body.push('llo')
    const { status, text, headers } = await answer
    assert.deepEqual([status, text, headers['content-range']], [206, 'hello', 'bytes 0-4/*'])
  })

  it('answers a range of a body of unknown length by its final length', async () => {
    const server = await start()
    const body = server.engine.serve(origin, new GrowingBody())
    const cut = get(server.fetchUrl(origin), { headers: { Range: 'bytes=3-9' } })
    const beyond = get(server.fetchUrl(origin), { headers: { Range: 'bytes=8-9' } })
    body.push('hello')
    body.finish()
    assert.equal((await cut).headers['content-range'], 'bytes 3-4/5')
    assert.equal((await beyond).status, 416)
  })

  it('answers an open-ended range of a body of unknown length with the whole body', async () => {
    const server = await start()
    const body = server.engine.serve(origin, new GrowingBody())
    body.push(hello)
    const message = await open(server.fetchUrl(origin), { headers: { Range: 'bytes=3-' } })
    body.finish()
    assert.deepEqual([message.statusCode, (await readAll(message)).text], [200, hello])
  })

  it('ignores conditions before the body is complete', async () => {
    const server = await start()
    const body = server.engine.serve(origin, new GrowingBody(5), { headers: { etag: '"v1"' } })
    const message = await open(server.fetchUrl(origin), { headers: { 'If-None-Match': '"v1"' } })
    assert.equal(message.statusCode, 200)
    body.push('hello')
    body.finish()
    await readAll(message)
  })

  it('closes the connection short when the transfer fails', async () => {
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

  it('resets the connection of an HTTP/1.0 client when the transfer fails', async () => {
    const server = await start()
    const body = server.engine.serve(origin, new GrowingBody())
    body.push('first')
    body.fail(new KissError('content-changed', 'the content changed'))
    const url = `/api/v1/fetch?url=${encodeURIComponent(origin)}`
    assert.ok(await endsByReset(server.port, `GET ${url} HTTP/1.0\r\n\r\n`))
    body.finish()
    assert.ok(!(await endsByReset(server.port, `GET ${url} HTTP/1.0\r\n\r\n`)))
  })

  it('cuts a body short that ends before its announced length', async () => {
    const server = await start()
    const body = server.engine.serve(origin, new GrowingBody(10))
    const message = await open(server.fetchUrl(origin))
    body.push('short')
    body.finish()
    assert.equal((await readAll(message)).complete, false)
  })
})
