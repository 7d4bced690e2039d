import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { KissError } from '#kiss/errors.js'
import { attachment } from '#kiss/http/disposition.js'
import { parsePassedNames } from '#kiss/http/passed-headers.js'
import { parseContentRange, parseRange, resolveRange } from '#kiss/http/range.js'
import { storedHeaders } from '#kiss/http/stored.js'
import { canonicalUrl, displayUrl, fileNameOf } from '#kiss/http/urls.js'
import { evaluatePreconditions } from '#kiss/http/validation.js'
import { parseFetchQuery } from '#kiss/server/fetch-query.js'
import { requestId } from '#kiss/server/incoming.js'
import { parseAuthority } from '#kiss/server/self.js'
import { get } from './support/client.js'
import { Random } from './support/random.js'
import { testServers } from './support/servers.js'

/** Fixed, so that a failure can be repeated; KISS_FUZZ_SEED and KISS_FUZZ_INPUTS make another run of it. */
const seed = Number(process.env['KISS_FUZZ_SEED'] ?? 20261123)
const inputs = Number(process.env['KISS_FUZZ_INPUTS'] ?? 5000)

const pieces = {
  url: [
    'http',
    's3',
    '://',
    '//',
    'user:secret@',
    'host',
    '[::1]',
    ':80',
    '/a',
    '/..',
    '%2F',
    '%zz',
    '?x=secret',
    '&y',
    '#f',
  ],
  query: ['url=', 'ttl=', 'sha256=', 'passheaders=', 'https://h/p', 'https%3A%2F%2Fh', '+', '&', '%26', '10d', 'ff'],
  range: ['bytes', '=', '0', '9', '-', ',', '99999999999999999999', '/', '*', ' '],
  tag: ['W/', '"', 'a', ',', ' ', '*', '"a"'],
  name: ['a', '.', '..', '/', '\\', '%2e', 'ü', '\u202e', ';', "'"],
}

/** Only what is foreseen may be thrown. */
function foreseen<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    assert.ok(error instanceof KissError && error.code !== 'internal', String(error))
    return undefined
  }
}

describe(`strings of strangers, seed ${seed}`, () => {
  const random = new Random(seed)
  const each = (kind: keyof typeof pieces, check: (text: string) => void): void => {
    for (let i = 0; i < inputs; i++) check(random.text(pieces[kind]))
  }

  it('as URLs are shown without secrets, and are canonical the second time', () => {
    each('url', (text) => {
      // A secret in a path cannot be told from a name; in an authority and in a query it can.
      assert.doesNotMatch(displayUrl(text), /^[a-z0-9+.-]*:\/\/[^/]*@|[?#][^…]/i, text)
      if (!URL.canParse(text)) return
      const url = new URL(text)
      const once = canonicalUrl(url)
      assert.equal(canonicalUrl(once).href, once.href)
      assert.equal(once.username + once.password + once.hash, '')
      assert.match(fileNameOf(url), /^(?!\.{0,2}$)[^/\\\p{Cc}]+$/u)
    })
  })

  it('as queries of the fetch endpoint give a URL or a usage error', () => {
    each('query', (text) => {
      const query = foreseen(() => parseFetchQuery(text))
      if (query?.ttl !== undefined) assert.ok(Number.isSafeInteger(query.ttl) && query.ttl >= 0, text)
    })
  })

  it('as ranges lie within the body', () => {
    each('range', (text) => {
      const range = parseRange(text)
      const resolved = range === undefined ? undefined : resolveRange(range, 10)
      if (resolved !== undefined)
        assert.ok(resolved.first >= 0 && resolved.first <= resolved.last && resolved.last < 10, text)
      parseContentRange(text)
    })
  })

  it('as fields are read or ignored', () => {
    each('tag', (text) => {
      const headers = { 'if-none-match': text, 'if-match': random.text(pieces.tag), 'if-modified-since': text }
      assert.ok(['go on', 'not modified', 'failed'].includes(evaluatePreconditions(headers, { etag: '"a"' }, 0)))
      for (const value of [storedHeaders({ etag: text, 'content-type': text }, 0)].flatMap(
        ({ etag = '', contentType = '' }) => [etag, contentType],
      )) {
        assert.doesNotMatch(value, /[\r\n\0]/)
      }
      for (const name of parsePassedNames(text)) assert.doesNotMatch(name, /[^a-z0-9!#$%&'*+\-.^_`|~]/)
      parseAuthority(text)
      assert.doesNotMatch(requestId(text) ?? '', /[\s"<>]/)
    })
  })

  it('as names stay on their line and in their directory', () => {
    each('name', (text) => {
      assert.match(
        attachment(text),
        /^attachment; filename="[^"\\/\r\n]+"(?:; filename\*=UTF-8''[\w!#$&+\-.^`|~%]+)?$/,
        text,
      )
    })
  })
})

describe(`requests of strangers, seed ${seed}`, () => {
  const start = testServers()

  it('never make the server fail or fall', async () => {
    const server = await start({ access: { adminTokens: ['admin'], trustProxies: ['127.0.0.1'] } })
    server.engine.serve('https://h/p', 'hello')
    const random = new Random(seed)
    const fields = [
      'Range',
      'If-None-Match',
      'If-Range',
      'X-Forwarded-For',
      'Via',
      'Authorization',
      'X-Request-Id',
      'TE',
    ]
    const kinds = ['range', 'tag', 'name'] as const
    const one = (): string => {
      const target = `/api/v1/fetch${random.pick(['', '/', '/x'])}?${random.text(pieces.query)}`
      const headers = Array.from({ length: random.below(4) }, () => {
        const value = random
          .text(pieces[random.pick(kinds)])
          .replace(random.below(5) === 0 ? /[]/ : /[\r\n\0\u007f]/g, '')
        return `${random.pick(fields)}: ${value}\r\n`
      })
      const method = random.pick(['GET', 'GET', 'GET', 'HEAD', 'DELETE', 'POST', 'BREW'])
      const line = `${method} ${target.replace(random.below(5) === 0 ? /[]/ : /[\s\0]/g, '')} HTTP/1.1`
      return `${line}\r\nHost: localhost\r\nConnection: close\r\n${headers.join('')}\r\n`
    }
    for (let i = 0; i < inputs / 10; i++) await send(server.port, one())
    assert.deepEqual(server.records.errors, [])
    assert.ok(server.records.records.every(({ status }) => status !== 500))
    assert.ok(server.records.records.length > inputs / 20, String(server.records.records.length))
    assert.equal((await get(server.fetchUrl('https://h/p'))).text, 'hello')
  })
})

/** Sends bytes, and resolves when the connection is closed. */
function send(port: number, text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    // A server may reset what is no HTTP.
    socket.on('error', () => undefined)
    socket.resume()
    socket.on('close', () => resolve())
  })
}
