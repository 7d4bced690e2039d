import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { get, raw } from './support/client.js'
import { testServers } from './support/servers.js'

const origin = 'https://origin.example/f'
const target = `/api/v1/fetch?url=${encodeURIComponent(origin)}`
const host = 'Host: localhost\r\n'
const close = 'Connection: close\r\n'
const health = `GET /api/v1/health/ HTTP/1.1\r\n${host}${close}\r\n`

/** What is sent, and the statuses that come back before the server closes the connection. */
type Case = readonly [name: string, text: string, ...statuses: number[]]

/** Where two readers of one request could see two different ones (RFC 9112 §11.2), there is none. */
const ambiguous: readonly Case[] = [
  [
    'length and chunks',
    `GET ${target} HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['an unknown coding', `GET ${target} HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 400],
  [
    'a coding after chunked',
    `GET ${target} HTTP/1.1\r\n${host}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['a blank before a colon', `GET ${target} HTTP/1.1\r\n${host}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`, 400],
  ['two lengths', `GET ${target} HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`, 400],
  ['one length twice', `GET ${target} HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde`, 400],
  ['a length with a sign', `GET ${target} HTTP/1.1\r\n${host}Content-Length: +5\r\n\r\nabcde`, 400],
  ['a length in hex', `GET ${target} HTTP/1.1\r\n${host}Content-Length: 0x5\r\n\r\nabcde`, 400],
  [
    'a length beyond 64 bits',
    `GET ${target} HTTP/1.1\r\n${host}Content-Length: 99999999999999999999\r\n\r\nabcde`,
    400,
  ],
  ['lines that end in LF', `GET ${target} HTTP/1.1\nHost: localhost\nConnection: close\n\n`, 400],
  ['lines that end in CR', `GET ${target} HTTP/1.1\rHost: localhost\r\r`, 400],
  ['LF within a field', `GET ${target} HTTP/1.1\r\n${host}X: a\nContent-Length: 5\r\n\r\n`, 400],
  ['a folded field', `GET ${target} HTTP/1.1\r\n${host}X: a\r\n b\r\n${close}\r\n`, 400],
  ['a folded coding', `GET ${target} HTTP/1.1\r\n${host}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`, 400],
  ['two hosts', `GET ${target} HTTP/1.1\r\n${host}Host: evil.example\r\n${close}\r\n`, 400],
  ['two hosts and an absolute target', `GET http://localhost${target} HTTP/1.1\r\n${host}${host}${close}\r\n`, 400],
  ['no host', `GET ${target} HTTP/1.1\r\n${close}\r\n`, 400],
  ['an empty host', `GET ${target} HTTP/1.1\r\nHost:\r\n${close}\r\n`, 400],
  ['a chunk without a size', `GET ${target} HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
]

const malformed: readonly Case[] = [
  ['NUL in a field', `GET ${target} HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`, 400],
  ['NUL in the host', `GET ${target} HTTP/1.1\r\nHost: local\0host\r\n\r\n`, 400],
  ['NUL in the target', `GET ${target}\0 HTTP/1.1\r\n${host}\r\n`, 400],
  ['a tab in the target', `GET ${target}\tx HTTP/1.1\r\n${host}\r\n`, 400],
  ['eight bits in the target', `GET ${target}\xff HTTP/1.1\r\n${host}\r\n`, 400],
  ['a blank in a name', `GET ${target} HTTP/1.1\r\n${host}X y: a\r\n\r\n`, 400],
  ['an unknown method', `FOO ${target} HTTP/1.1\r\n${host}\r\n`, 400],
  ['a method in lower case', `get ${target} HTTP/1.1\r\n${host}\r\n`, 400],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['TLS', `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${'x'.repeat(300)}`, 400],
  ['SSH', 'SSH-2.0-client\r\n', 400],
  [
    // Read at once: what came after the answer would reset the connection, and might take the answer with it.
    'extensions of chunks beyond 16 KiB',
    `GET ${target} HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}`,
    413,
  ],
  [
    'HTTP/1.0 with Transfer-Encoding, and one more',
    `GET ${target} HTTP/1.0\r\n${host}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${health}`,
    400,
  ],
  ['another expectation', `GET ${target} HTTP/1.1\r\n${host}${close}Expect: a-pony\r\n\r\n`, 417],
]

const unusual: readonly Case[] = [
  ['an absolute target', `GET http://localhost:1${target} HTTP/1.1\r\n${host}${close}\r\n`, 200],
  ['an absolute target elsewhere', `GET http://evil.example${target} HTTP/1.1\r\n${host}${close}\r\n`, 421],
  ['an absolute target with userinfo', `GET http://u:p@localhost${target} HTTP/1.1\r\n${host}${close}\r\n`, 400],
  ['a target that kiss were a proxy for', `GET http://127.0.0.1/x HTTP/1.1\r\nHost: 127.0.0.1\r\n${close}\r\n`, 404],
  ['CONNECT', `CONNECT localhost:443 HTTP/1.1\r\n${host}\r\n`, 405],
  ['CONNECT elsewhere', `CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n`, 421],
  ['OPTIONS of everything', `OPTIONS * HTTP/1.1\r\n${host}${close}\r\n`, 405],
  ['OPTIONS', `OPTIONS ${target} HTTP/1.1\r\n${host}${close}\r\n`, 405],
  ['TRACE', `TRACE ${target} HTTP/1.1\r\n${host}${close}\r\n`, 405],
  ['PUT', `PUT ${target} HTTP/1.1\r\n${host}${close}Content-Length: 3\r\n\r\nabc`, 405],
  ['dots in the path', `GET /x/../api/v1/health/ HTTP/1.1\r\n${host}${close}\r\n`, 404],
  ['HTTP/1.0 without a host', `GET ${target} HTTP/1.0\r\n\r\n`, 200],
  ['HTTP/0.9', `GET ${target}\r\n\r\n`, 505],
  ['HTTP/2.0 in words', `GET ${target} HTTP/2.0\r\n${host}${close}\r\n`, 505],
  ['an upgrade', `GET ${target} HTTP/1.1\r\n${host}Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n`, 200],
  [
    'HEAD with a body, and one more',
    `HEAD ${target} HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nabcde${health}`,
    200,
    200,
  ],
  [
    'GET with chunks, and one more',
    `GET ${target} HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n${health}`,
    200,
    200,
  ],
  ['empty lines first', `\r\n\r\n${health}`, 200],
  [
    'an expectation to go on',
    `GET ${target} HTTP/1.1\r\n${host}${close}Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc`,
    100,
    200,
  ],
  ['a target of 8 KiB and more', `GET /api/v1/fetch?url=${'x'.repeat(8200)} HTTP/1.1\r\n${host}${close}\r\n`, 414],
  ['a target of more than all headers may have', `GET /${'x'.repeat(40_000)} HTTP/1.1\r\n${host}\r\n`, 431],
]

describe('requests as they come over the wire', () => {
  const start = testServers()
  const statusesOf = (answer: string): number[] =>
    [...answer.matchAll(/(?:^|\r\n\r\n(?:hello|ok\n)?)HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]))

  for (const [what, cases] of [
    ['that two readers could read in two ways are refused', ambiguous],
    ['that are no HTTP/1.1 are refused', malformed],
    ['in unusual forms get their answer', unusual],
  ] as const) {
    it(what, async () => {
      const server = await start()
      server.engine.serve(origin, 'hello')
      for (const [name, text, ...statuses] of cases) {
        assert.deepEqual(statusesOf(await raw(server.port, text)), statuses, name)
      }
      assert.deepEqual(server.records.errors, [])
      assert.equal((await get(server.fetchUrl(origin))).text, 'hello')
    })
  }

  it('that cannot be read get a problem with the reason', async () => {
    const server = await start()
    for (const [text, status, detail, hint] of [
      ['GET /ü HTTP/1.1\r\n\r\n', 400, /^this is no request of HTTP\/1\.1: Invalid/, /^percent-encode/],
      ['SSH-2.0-client\r\n', 400, /^this is no request of HTTP\/1\.1/, undefined],
      [`GET / HTTP/1.1\r\n${host}X: ${'x'.repeat(40_000)}\r\n\r\n`, 431, /may have 32768 bytes$/, undefined],
    ] as const) {
      const answer = await raw(server.port, text)
      const [head = '', body = ''] = answer.split('\r\n\r\n')
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\nContent-Type: application/problem\\+json\r\n`))
      assert.match(head, new RegExp(`\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close$`))
      const problem = JSON.parse(body) as { readonly code: string; readonly detail: string; readonly hint?: string }
      assert.equal(problem.code, 'usage')
      assert.match(problem.detail, detail)
      if (hint === undefined) assert.equal(problem.hint, undefined)
      else assert.match(problem.hint ?? '', hint)
    }
  })

  it('for a tunnel get the whole problem, and a client that does not wait for it harms nobody', async () => {
    const server = await start()
    const text = `CONNECT localhost:443 HTTP/1.1\r\n${host}\r\n`
    assert.match(
      await raw(server.port, text),
      /^HTTP\/1\.1 405 [^]*\r\nAllow: GET, HEAD\r\n[^]*"code":"method-not-allowed"/,
    )
    const record = server.records.next()
    const socket = connect(server.port, '127.0.0.1', () => socket.write(text, () => socket.resetAndDestroy()))
    await record
    assert.equal((await get(`${server.url}api/v1/health/`)).status, 200)
  })

  it('for a tunnel behind an unanswered one end the connection, and harm nobody', async () => {
    const server = await start()
    const record = server.records.next()
    await raw(server.port, `GET ${target} HTTP/1.1\r\n${host}\r\nCONNECT localhost:443 HTTP/1.1\r\n${host}\r\n`)
    assert.equal((await record).outcome, 'aborted')
    assert.equal((await get(`${server.url}api/v1/health/`)).status, 200)
  })

  it('whose body never ends are answered, and cut off in the end', async () => {
    const server = await start({ limits: { headersTimeout: 50, requestTimeout: 100 } })
    server.engine.serve(origin, 'hello')
    const socket = connect(server.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    socket.on('error', () => undefined)
    socket.write(`GET ${target} HTTP/1.1\r\n${host}Content-Length: 1000000000\r\n\r\n`)
    await dripUntilClosed(socket)
    assert.match(answer, /^HTTP\/1\.1 200 [^]*hello/)
  })

  it('that never begin, or never come again, are not waited for', async () => {
    const server = await start({ limits: { headersTimeout: 50, requestTimeout: 100, idleTimeout: 50 } })
    const [never, single] = await Promise.all([raw(server.port, ''), raw(server.port, health.replace(close, ''))])
    assert.deepEqual([statusesOf(never), statusesOf(single)], [[408], [200]])
  })

  it('that come byte by byte are cut off, however alive the connection is', async () => {
    const server = await start({ limits: { headersTimeout: 50, requestTimeout: 100 } })
    const socket = connect(server.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    socket.on('error', () => undefined)
    socket.write('GET / HTTP/1.1\r\nX: ')
    await dripUntilClosed(socket)
    assert.match(answer, /^HTTP\/1\.1 408 /)
  })
})

/** Sends byte after byte, slowly, until the other side has had enough. */
async function dripUntilClosed(socket: Socket): Promise<void> {
  const closed = once(socket, 'close')
  let over = false
  void closed.then(() => (over = true))
  const drip = (): void => {
    // After what has come was read: a write into a closed connection would end it before.
    if (!over) socket.write('x', () => setTimeout(() => setImmediate(drip), 5))
  }
  drip()
  await closed
}
