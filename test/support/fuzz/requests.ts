/** Requests that a stranger can send, most of them nearly right: what is nearly right gets furthest. */
import type { Random } from '../../server/support/random.js'
import { pieces } from './strings.js'
import type { FuzzTarget } from './target.js'

const fields = [
  ...['Range', 'If-Range', 'If-None-Match', 'If-Match', 'If-Modified-Since', 'If-Unmodified-Since', 'Cache-Control'],
  ...['X-Forwarded-For', 'X-Forwarded-Proto', 'Via', 'Authorization', 'PRIVATE-TOKEN', 'X-Kiss-Token', 'X-Request-Id'],
  ...[
    'TE',
    'Expect',
    'Connection',
    'Content-Length',
    'Transfer-Encoding',
    'Upgrade',
    'Accept-Encoding',
    'Host',
    'Cookie',
  ],
]
const values = [
  ...['bytes=0-', 'bytes=5-4', 'bytes=-5', 'bytes=0-1,2-3', 'bytes=999999999999999999999-', '"1"', 'W/"1"', '*', '"'],
  ...['Sun, 01 Nov 2026 10:00:00 GMT', 'only-if-cached', 'no-cache', '10.1.1.1', '::1, x', 'https', '1.1 kiss-fuzzed'],
  ...[
    'Bearer admin',
    'Bearer x',
    'Basic !!!',
    'secret',
    'close',
    'keep-alive, Range',
    '100-continue',
    '0',
    '5',
    'chunked',
  ],
  ...['websocket', 'gzip', 'evil.example', 'localhost', '127.0.0.1:80', 'a=b; c', '\u00ff\u00fe', ' '],
]
/** Fields that a client may well send. */
const plain = [
  ...[
    'Range: bytes=0-',
    'Range: bytes=5-9',
    'Range: bytes=-5',
    'Range: bytes=99999-',
    'If-None-Match: "2"',
    'If-Match: "2"',
  ],
  ...[
    'If-Range: "2"',
    'If-Range: W/"2"',
    'Cache-Control: only-if-cached',
    'X-Forwarded-For: 10.1.1.1',
    'PRIVATE-TOKEN: secret',
  ],
  ...[
    'Authorization: Bearer admin',
    'Authorization: Basic YTpi',
    'Via: 1.1 other',
    'Accept-Encoding: gzip',
    'X-Request-Id: 1',
  ],
]
const methods = ['DELETE', 'POST', 'OPTIONS', 'CONNECT', 'BREW', 'get']
const paths = [
  ...[
    '/api/v1/fetch',
    '/api/v1/fetch/',
    '/api/v1/fetch/name',
    '//api/v1/fetch',
    '/api/v1/fetch/%2e%2e%2f',
    '/api/v1/fetch/a/b',
  ],
  ...['/', '/api/v1/status/', '/api/v1/health/', '/metrics', '/statistics/', '/resources/failures/', '/help/', '/x'],
]

/** Every way that comes to mind of writing an address of this machine. */
const forbiddenHosts = [
  ...[
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '0x7f.1',
    '127.0.0.1.',
    'localhost',
    'LOCALHOST.',
  ],
  ...['a.localhost', '0.0.0.0', '0', '[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]'],
  ...['[64:ff9b::7f00:1]', '[2002:7f00:1::]', '127.0.0.3', '①②⑦.⓪.⓪.①', '127。0。0。1', '%31%32%37.0.0.1'],
  ...[
    '169.254.169.254',
    '10.0.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '[fe80::1]',
    '[fd00::1]',
  ],
]

/** Half a surrogate pair, which has no UTF-8, becomes a replacement character. */
function encoded(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString())
}

export class Requests {
  constructor(
    readonly random: Random,
    readonly target: Pick<FuzzTarget, 'canaryPort' | 'originPort' | 'port'>,
  ) {}

  /** A URL of an artifact: at the origin, at a forbidden address, at this server, or of no kind. */
  url(): string {
    const { random, target } = this
    const scheme = random.below(4) > 0 ? 'http' : random.pick(['HTTP', 'https', 's3', 'ftp', 'file', 'javascript', ''])
    const userinfo = random.pick(['', '', '', '', '', '', 'user:secret@', '@', '127.0.0.2@', 'a:b@c@'])
    const forbidden = `${random.pick(forbiddenHosts)}:${target.canaryPort}`
    const origin = `127.0.0.2:${target.originPort}`
    const host = random.pick([origin, origin, origin, origin, forbidden, forbidden, `127.0.0.1:${target.port}`])
    const rest = random.below(8) === 0 ? random.text(pieces.url) : this.#originPath()
    return random.below(12) === 0 ? random.text(pieces.url) : `${scheme}://${userinfo}${host}${rest}`
  }

  /** What makes the origin lie. */
  #originPath(): string {
    const { random, target } = this
    const path = random.pick([
      '/a',
      `/${random.below(200)}`,
      '/cut',
      `/${200 + random.below(400)}`,
      '/302',
      '/307',
      '/a%2f..%2fb',
    ])
    const onward = encoded(
      random.pick([
        `http://${random.pick(forbiddenHosts)}:${target.canaryPort}/`,
        `//${random.pick(forbiddenHosts)}:${target.canaryPort}`,
        `http://127.0.0.1:${target.port}/api/v1/fetch?url=http://127.0.0.2:${target.originPort}/a`,
        ...['/a', '?to=/302', 'file:///etc/passwd', '\\\\127.0.0.1\\', 'http://', ''],
      ]),
    )
    const header = random.pick([
      'etag',
      'content-type',
      'last-modified',
      'content-length',
      'content-range',
      'vary',
      'retry-after',
      'set-cookie',
    ])
    const value = encoded(random.pick([...values, '9999999999', 'text/html', 'bytes 0-1/2', 'Authorization']))
    return `${path}?${random.pick(['', `to=${onward}`, `to=${onward}`, `h-${header}=${value}`, 'token=secret&x=1'])}`
  }

  #query(): string {
    const { random } = this
    if (random.below(10) === 0) return random.text(pieces.query)
    const url = this.url()
    const parts = [`url=${random.below(3) === 0 ? url : encoded(url)}`]
    if (random.below(5) === 0)
      parts.push(`ttl=${random.pick(['0', '1s', '10d', '-1', '99999999999999999999d', '1e9', '', 'x'])}`)
    if (random.below(5) === 0)
      parts.push(`sha256=${random.pick(['0'.repeat(64), 'F'.repeat(64), 'f', '', 'g'.repeat(64)])}`)
    if (random.below(5) === 0)
      parts.push(`passheaders=${random.pick(fields)},${random.pick(fields)},${random.text(pieces.tag)}`)
    return parts.join(random.pick(['&', '&', '&', ';', '&&']))
  }

  /** The bytes of a request, and whether who sends them leaves at once. One in twenty is broken on purpose. */
  request(): { text: string; leaving: boolean } {
    const { random } = this
    const name = random.below(6) === 0 ? `/api/v1/fetch/${encoded(random.text(pieces.name))}` : random.pick(paths)
    const target = `${random.below(5) === 0 ? name : '/api/v1/fetch'}?${this.#query()}`
    const lines = Array.from({ length: random.below(4) }, () => {
      if (random.below(5) > 0) return random.pick(plain)
      const value = random.below(3) === 0 ? random.text([...pieces.range, ...pieces.tag]) : random.pick(values)
      return `${random.pick(fields)}: ${value.replace(/[\r\n\0]/g, '')}`
    })
    const method = random.below(10) === 0 ? random.pick(methods) : random.pick(['GET', 'GET', 'GET', 'HEAD'])
    const head = [
      `${method} ${target.replace(/[\s\0]/g, '%20')} HTTP/1.1`,
      'Host: localhost',
      ...lines,
      'Connection: close',
    ]
    const text = Buffer.from(`${head.join('\r\n')}\r\n\r\n`).toString('latin1')
    // What is broken may be no whole request: nobody would wait for the rest of it.
    return random.below(20) === 0
      ? { text: this.#broken(text), leaving: true }
      : { text, leaving: random.below(50) === 0 }
  }

  #broken(text: string): string {
    const { random } = this
    const at = random.below(text.length)
    switch (random.below(4)) {
      case 0:
        return text.slice(0, at)
      case 1:
        return text.slice(0, at) + random.text(pieces.tag) + text.slice(at)
      case 2:
        return text + text.slice(at)
      default:
        return `${text.slice(0, at)}${String.fromCharCode(random.below(256))}${text.slice(at + 1)}`
    }
  }
}
