import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import { parseUrl, toUrl } from '#kiss/http/parse-url.js'

/** What follows the host in the request target. */
const target = (rest: string): string => {
  const { pathname, search } = parseUrl(`http://h${rest}`)
  return pathname + search
}

/** Each text, and what Python's requests 2.34 sends for it. */
const sent: Readonly<Record<string, string>> = {
  '/100%.img': '/100%25.img',
  '/a%': '/a%25',
  '/a%2': '/a%252',
  '/a%zz?q=%zz': '/a%25zz?q=%25zz',
  '/a%20b?q=100%': '/a%20b?q=100%25',
  '/a%20b%.img': '/a%2520b%25.img',
  '/a\\b.img': '/a%5Cb.img',
  '\\b.img': '/%5Cb.img',
  '/a|b^c[d]e`f{g}h': '/a%7Cb%5Ec%5Bd%5De%60f%7Bg%7Dh',
  '/?a|b^c[d]e`f{g}h\\i': '/?a%7Cb%5Ec%5Bd%5De%60f%7Bg%7Dh%5Ci',
  '/a b?c d ': '/a%20b?c%20d%20',
  '/"<a>"?"<b>"': '/%22%3Ca%3E%22?%22%3Cb%3E%22',
  '/é?é': '/%C3%A9?%C3%A9',
  '/a\u200bb\u00a0': '/a%E2%80%8Bb%C2%A0',
  "/!$&'()*+,;=:@~": "/!$&'()*+,;=:@~",
  '/?!$&()*+,;=:@~/?': '/?!$&()*+,;=:@~/?',
  '/a%2Fb%C3%A9%e9': '/a%2Fb%C3%A9%e9',
  '/a/../b/./c//d/': '/b/c//d/',
  '?q': '/?q',
  '/a#b\\c': '/a',
}

describe('URLs as their users write them', () => {
  for (const [rest, expected] of Object.entries(sent)) {
    it(`ask for ${JSON.stringify(rest)} as requests does`, () => {
      assert.equal(target(rest), expected)
      assert.equal(target(expected.replace(/^\/\?/, '?')), expected, 'once more')
    })
  }

  it('may begin with blanks and have one slash or three before the host, as for curl', () => {
    for (const text of ['  http://h/x', 'http:/h/x', 'http:///h/x', 'HTTP://H/x']) {
      assert.equal(parseUrl(text).href, 'http://h/x', text)
    }
  })

  it('are refused where the parser would read another URL', () => {
    const refused: Readonly<Record<string, RegExp>> = {
      'http://h/a\tb': /^"http:\/\/h\/a\\tb" has a control character$/,
      'http://h/a\rb': /a\\rb/,
      'http://h/a\nb': /a\\nb/,
      '\u001bhttp://h/a': /^"\\u001bhttp/,
      'http://h/a\u007f': /a\\u007f/,
      'http://h/a\u0085b': /a\\u0085b/,
      'http://h/a\ufffdb': /is not UTF-8/,
      'http://h/a\ud800b': /is not UTF-8/,
      'http://h/a/%2e%2E/b': /percent-encoded \. or \.\. segment/,
      'http://h/a/.%2e/b': /percent-encoded \. or \.\. segment/,
      'http:h/x': /^"http:h\/x" is not a URL/,
      'http:\\\\h\\x': /^"http:\\\\h\\x" is not a URL/,
      'h/x': /is not a URL/,
      '//h/x': /is not a URL/,
      's3://bucket/a/../x': /\. or \.\. segment/,
      's3://bucket/a/%2E%2E/x': /\. or \.\. segment/,
      's3://bucket/./x': /\. or \.\. segment/,
      's3://bucket/a/.': /\. or \.\. segment/,
      's3://bucket/a#b': /write %23/,
      's3://bucket/a?': /write %3F/,
    }
    for (const [text, message] of Object.entries(refused)) {
      assert.throws(
        () => parseUrl(text),
        (error) => error instanceof KissError && error.code === 'bad-url' && message.test(error.message),
        JSON.stringify(text),
      )
    }
  })

  it('are shown as they were written where they are refused, without a secret', () => {
    assert.throws(() => parseUrl('s3://bucket/a/%2E%2E/x'), { message: /^"s3:\/\/bucket\/a\/%2E%2E\/x" has/ })
    assert.throws(() => parseUrl('http://user:secret@h/a\tb?token=secret'), { message: /^"h\/a\\tb\?…" has/ })
  })

  it('keep every byte of a name with another scheme', () => {
    for (const [text, path] of [
      ['s3://bucket//a//b/', '//a//b/'],
      ['s3://bucket/a ', '/a%20'],
      ['s3://bucket/a\\b', '/a\\b'],
      ['s3://bucket/...', '/...'],
    ] as const) {
      assert.equal(parseUrl(text).pathname, path, text)
    }
  })
})

describe('references of a Location', () => {
  const base = new URL('http://h/x/y?z')
  const resolved = (text: string): string | undefined => toUrl(text, base)?.href

  it('are resolved and encoded like URLs', () => {
    for (const [text, expected] of [
      ['/a b', 'http://h/a%20b'],
      ['a|b?c^d', 'http://h/x/a%7Cb?c%5Ed'],
      ['\\a', 'http://h/x/%5Ca'],
      ['//other/a%', 'http://other/a%25'],
      ['?q[1]', 'http://h/x/y?q%5B1%5D'],
      ['https://other\\a', 'https://other/%5Ca'],
      ['../a', 'http://h/a'],
      ['#part', 'http://h/x/y?z'],
      ['', 'http://h/x/y?z'],
    ] as const) {
      assert.equal(resolved(text), expected, text)
    }
  })

  it('are none where they hold a control character', () => {
    assert.equal(resolved('/a\tb'), undefined)
  })

  it('are guessed where only the scheme is missing', () => {
    for (const [text, hint] of [
      ['host.example/x?token=secret', 'did you mean https://host.example/x?…?'],
      ['host.example/a/b.img', 'did you mean https://host.example/a/b.img?'],
      ['Image.gz', 'write it with its scheme: https://host/path'],
    ] as const) {
      assert.throws(() => parseUrl(text), { code: 'bad-url', hint })
    }
  })

  it('are not told to have a scheme where they have one', () => {
    for (const text of ['http://host:99999/x', 'https://ho st/x', 'http://[::1%25eth0]/x'])
      assert.throws(() => parseUrl(text), { code: 'bad-url', hint: undefined })
  })
})
