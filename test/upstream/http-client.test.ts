import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createHttpClient } from '#kiss/upstream/http-client.js'
import { KissError } from '#kiss/errors.js'

describe('the client for what plugins ask besides artifacts', () => {
  let server: Server
  let root: string
  before(async () => {
    server = createServer((request, response) => {
      if (request.url === '/silent') return
      if (request.url === '/moved') return void response.writeHead(302, { location: '/elsewhere' }).end('moved')
      if (request.url === '/cut') {
        response.writeHead(200, { 'content-length': 10 }).write('half')
        response.socket?.end()
        return
      }
      const { method, headers } = request
      text(request).then(
        (body) =>
          response.end(JSON.stringify({ method, body, type: headers['content-type'], token: headers['x-token'] })),
        (error: unknown) => response.destroy(error as Error),
      )
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })

  const url = (path: string): URL => new URL(path, root)
  const failure = (code: string, message: RegExp) => (error: unknown) =>
    error instanceof KissError && error.code === code && message.test(error.message)

  it('sends a body with its type, and headers', async () => {
    const http = await createHttpClient({})
    const content = { type: 'application/x-www-form-urlencoded', body: 'a=1' }
    const { status, body } = await http({ method: 'POST', url: url('/'), headers: { 'x-token': 't' }, content })
    assert.equal(status, 200)
    assert.deepEqual(JSON.parse(Buffer.from(body).toString()), {
      method: 'POST',
      body: 'a=1',
      type: 'application/x-www-form-urlencoded',
      token: 't',
    })
  })

  it('gives a redirect as it is', async () => {
    const http = await createHttpClient({})
    const { status, headers, body } = await http({ method: 'GET', url: url('/moved') })
    assert.deepEqual([status, headers['location'], Buffer.from(body).toString()], [302, '/elsewhere', 'moved'])
  })

  it('names the server that cannot be reached, is silent or broke off', async () => {
    const http = await createHttpClient({ timeout: 200 })
    const get = (path: string) => http({ method: 'GET', url: url(path) })
    await assert.rejects(get('/silent'), failure('origin-timeout', /^127\.0\.0\.1:\d+ did not answer within 0\.2 s$/))
    await assert.rejects(get('/cut'), failure('origin-unreachable', /^127\.0\.0\.1:\d+ cannot be reached: /))
    const nobody = http({ method: 'GET', url: new URL('http://127.0.0.1:9/') })
    await assert.rejects(nobody, failure('origin-unreachable', /^127\.0\.0\.1:9 cannot be reached: .*ECONNREFUSED/))
  })

  it('connects to private addresses, which its user has chosen, but to none that is denied', async () => {
    const http = await createHttpClient({ deny: ['127.0.0.0/8'] })
    await assert.rejects(http({ method: 'GET', url: url('/') }), failure('upstream-forbidden', /--deny-upstream/))
  })

  it('ends with its caller', async () => {
    const http = await createHttpClient({})
    const stop = new AbortController()
    const asking = http({ method: 'GET', url: url('/silent'), signal: stop.signal })
    stop.abort(new Error('enough'))
    await assert.rejects(asking, /^Error: enough$/)
  })
})
