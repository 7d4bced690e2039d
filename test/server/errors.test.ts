import assert from 'node:assert/strict'
import { KissError, type ErrorCode } from '#kiss/errors.js'
import { get, raw } from './support/client.js'
import { testServers } from './support/servers.js'

const origin = 'https://origin.example/f'

interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly hint?: string
}

describe('an error before the first byte', () => {
  const start = testServers()

  it('is problem+json with code, message and hint', async () => {
    const server = await start()
    server.engine.refuse(origin, new KissError('quota', 'too large', { retryAfter: 2500 }))
    const { status, headers, text } = await get(server.fetchUrl(origin))
    assert.equal(status, 507)
    assert.equal(headers['content-type'], 'application/problem+json')
    assert.equal(headers['retry-after'], '3')
    assert.equal(headers['cache-status'], 'kiss; detail=quota')
    assert.equal(headers['cache-control'], 'no-store')
    assert.deepEqual(JSON.parse(text) as ProblemBody, {
      type: 'urn:kiss:problem:quota',
      title: 'Out of quota',
      status: 507,
      detail: 'too large',
      code: 'quota',
      hint: 'raise --quota',
    })
  })

  it('names the field that asked for an answer from the cache, and no option of the command line', async () => {
    const server = await start()
    server.engine.refuse(origin, new KissError('offline', 'it is not in the cache'))
    const { status, text } = await get(server.fetchUrl(origin))
    const { hint } = JSON.parse(text) as ProblemBody
    assert.deepEqual([status, hint], [504, 'ask once without Cache-Control: only-if-cached'])
  })

  it('has the status of the contract, and Retry-After where trying again can help', async () => {
    const server = await start()
    const cases: [ErrorCode, number, boolean][] = [
      ['unsupported-scheme', 400, false],
      ['upstream-forbidden', 403, false],
      ['digest-mismatch', 412, false],
      ['origin-failed', 502, true],
      ['origin-unreachable', 502, true],
      ['origin-timeout', 504, true],
      ['disk', 507, true],
      ['loop', 508, false],
    ]
    for (const [code, expected, again] of cases) {
      server.engine.refuse(origin, new KissError(code, 'no'))
      const { status, headers, text } = await get(server.fetchUrl(origin))
      assert.deepEqual([status, (JSON.parse(text) as ProblemBody).code], [expected, code])
      assert.equal(headers['retry-after'] !== undefined, again, code)
    }
  })

  it('passes a 4xx of the origin through', async () => {
    const server = await start()
    for (const status of [401, 403, 404, 410, 418]) {
      server.engine.refuse(origin, new KissError('origin-refused', 'the origin says no', { status }))
      assert.equal((await get(server.fetchUrl(origin))).status, status)
      const head = await get(server.fetchUrl(origin), { method: 'HEAD' })
      assert.deepEqual([head.status, head.text], [status, ''])
    }
  })

  it('hides unexpected errors from clients, and logs them without secrets', async () => {
    const server = await start()
    server.engine.refuse(origin, new Error('cannot read https://user:secret@host/path?token=secret'))
    const { status, headers, text } = await get(server.fetchUrl(origin), { headers: { 'X-Request-Id': 'my-id' } })
    assert.deepEqual([status, headers['x-request-id']], [500, 'my-id'])
    assert.ok(!text.includes('secret') && !text.includes('cannot read'))
    assert.equal(server.records.errors.length, 1)
  })

  it('may come from the body as long as nothing of it was sent', async () => {
    const server = await start()
    const body = server.engine.serve(origin, 'hello')
    body.read = () => Promise.reject(new KissError('disk', 'cannot read the blob'))
    const { status, text } = await get(server.fetchUrl(origin))
    assert.deepEqual([status, (JSON.parse(text) as ProblemBody).code], [507, 'disk'])
    assert.equal(await server.engine.lastArtifact.closed, 'aborted')
  })
})

describe('a bad request', () => {
  const start = testServers()

  it('without a URL, or with one that is none, is answered 400', async () => {
    const server = await start()
    const queries = [
      '',
      '?url=',
      '?url',
      '?ttl=1d',
      '?url=nonsense',
      '?url=http%3A%2F%2F',
      '?url=//host/path',
      '?url=a%0Ab://c',
    ]
    for (const query of queries) {
      const { status, text } = await get(`${server.url}api/v1/fetch${query}`)
      assert.deepEqual([status, (JSON.parse(text) as ProblemBody).code], [400, 'bad-url'], query)
    }
    assert.equal(server.engine.requests.length, 0)
  })

  it('with a bad ttl or sha256, or with a parameter twice, is answered 400', async () => {
    const server = await start()
    for (const more of ['&ttl=soon', '&ttl=', '&ttl=-1d', '&sha256=abc', '&sha256=', '&ttl=1d&ttl=2d', '&url=x']) {
      const { status, text } = await get(server.fetchUrl(origin, more))
      assert.deepEqual([status, (JSON.parse(text) as ProblemBody).code], [400, 'usage'], more)
    }
    assert.equal(server.engine.requests.length, 0)
  })

  it('never has its URL repeated with query or userinfo', async () => {
    const server = await start()
    const { text } = await get(server.fetchUrl('http://user:secret@host:port/path?token=secret'))
    assert.ok(!text.includes('secret'), text)
  })

  it('with another method is answered 405 with Allow', async () => {
    const server = await start()
    for (const method of ['POST', 'PUT', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      const { status, headers } = await get(server.fetchUrl(origin), { method })
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], method)
    }
  })

  it('for a page that is not there is answered 404', async () => {
    const server = await start()
    for (const path of ['nowhere', 'api/v1/', 'api/v1/fetchx', '..%2f..%2fetc/passwd', '%']) {
      assert.equal((await get(server.url + path)).status, 404, path)
    }
  })

  it('that is no HTTP harms no other client', async () => {
    const server = await start()
    server.engine.serve(origin, 'hello')
    for (const text of [
      '\0\0\0\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      ' / \r\n\r\n',
      'GET / HTTP/1.1\r\nbad header\r\n\r\n',
    ]) {
      assert.match(await raw(server.port, text), /^HTTP\/1\.1 400 |^$/)
    }
    assert.equal((await get(server.fetchUrl(origin))).text, 'hello')
  })
})
