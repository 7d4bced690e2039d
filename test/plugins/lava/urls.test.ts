import assert from 'node:assert/strict'
import { fileName, isBelow, serverBase, shown, unwrap, urlparse, wrap } from '#lava/urls.js'

/** `urllib.parse.urlparse` and `os.path.basename` of Python 3.11.7; null where urlparse raises ValueError. */
const python: [string, [string, string, string] | null, string | null][] = [
  ['http://h/a/b.img', ['http', 'h', '/a/b.img'], 'b.img'],
  ['https://h', ['https', 'h', ''], ''],
  ['https://h/', ['https', 'h', '/'], ''],
  ['HTTP://H/Image', ['http', 'H', '/Image'], 'Image'],
  ['http://h/a;x/b;y;z', ['http', 'h', '/a;x/b'], 'b'],
  ['http://h/a;x', ['http', 'h', '/a'], 'a'],
  ['http://h;p', ['http', 'h;p', ''], ''],
  ['http://h/a/;p', ['http', 'h', '/a/'], ''],
  ['http://h/a?b/c', ['http', 'h', '/a'], 'a'],
  ['http://h?b/c', ['http', 'h', ''], ''],
  ['http://h/a#b/c', ['http', 'h', '/a'], 'a'],
  ['http://h/a%2Fb%3F', ['http', 'h', '/a%2Fb%3F'], 'a%2Fb%3F'],
  ['http://h/a+b c', ['http', 'h', '/a+b c'], 'a+b c'],
  ['  http://h/a', ['http', 'h', '/a'], 'a'],
  ['\u0000\u001fhttp://h/a', ['http', 'h', '/a'], 'a'],
  ['http://h/a\tb\n', ['http', 'h', '/ab'], 'ab'],
  ['h\nttp://h/a', ['http', 'h', '/a'], 'a'],
  ['http:/a/b', ['http', '', '/a/b'], 'b'],
  ['http:a', ['http', '', 'a'], 'a'],
  ['//h/a;b/c;d', ['', 'h', '/a;b/c'], 'c'],
  ['/a/b;c', ['', '', '/a/b'], 'b'],
  ['a;b', ['', '', 'a'], 'a'],
  ['ftp://h/a;b', ['ftp', 'h', '/a'], 'a'],
  ['file:///a;b', ['file', '', '/a;b'], 'a;b'],
  ['scp://h/a;b', ['scp', 'h', '/a;b'], 'a;b'],
  ['x-y+z.1:a/b', ['x-y+z.1', '', 'a/b'], 'b'],
  ['1a:b/c', ['', '', '1a:b/c'], 'c'],
  ['a_b:c/d', ['', '', 'a_b:c/d'], 'd'],
  ['http://[::1]:80/a', ['http', '[::1]:80', '/a'], 'a'],
  ['http://[::1/a', null, null],
  ['http://h]/a', null, null],
  ['http://[x]/a', null, null],
  ['http://[v1.x]/a', ['http', '[v1.x]', '/a'], 'a'],
  ['http://h\uff0fx/a', null, null],
  ['http://h\u2100/a', null, null],
  ['http://\u00e9/\u00f6', ['http', '\u00e9', '/\u00f6'], '\u00f6'],
  ['http://u:p@h:1/a', ['http', 'u:p@h:1', '/a'], 'a'],
  ['', ['', '', ''], ''],
  ['http://h/..', ['http', 'h', '/..'], '..'],
  ['http://h/a\\b', ['http', 'h', '/a\\b'], 'a\\b'],
]

describe("Python's urlparse", () => {
  for (const [url, parsed, name] of python)
    it(`reads ${JSON.stringify(url)}`, () => {
      const result = urlparse(url)
      assert.deepEqual(result === undefined ? null : [result.scheme, result.netloc, result.path], parsed)
      assert.equal(fileName(url) ?? null, name)
    })
})

describe("a cache's URL", () => {
  const server = 'http://kiss:8001'
  const urls = [
    'https://storage.example.com/builds/Image.gz',
    'https://h/a b+c%2Fd&e=f?g=h&i=j#k;l',
    "https://h/!*'()~-_.",
    'https://h/größe/日本/😀',
    'https://user:secret@h:1/',
    '  https://h/x\t',
    'https://h/%',
  ]

  it('names the file, and what a server decodes is the URL', () => {
    for (const url of urls) {
      const wrapped = wrap(server, { url })!
      assert.ok(wrapped.startsWith(`${server}/api/v1/fetch/${fileName(url)!}?url=`))
      const query = wrapped.slice(wrapped.lastIndexOf('?url=') + 5)
      assert.match(query, /^[A-Za-z0-9_.~%-]*$/)
      assert.equal(decodeURIComponent(query), url)
      assert.equal(new URLSearchParams(`url=${query}`).get('url'), url)
    }
  })

  it('is unwrapped to what was wrapped', () => {
    for (const url of urls)
      for (const more of [{}, { ttl: '10d' }, { marked: true }, { ttl: '90s', marked: true }]) {
        const wrapped = wrap(server, { url, ...more })!
        assert.deepEqual(unwrap(server, wrapped), { marked: false, ...more, url })
      }
  })

  it('cannot be made of half a character, or of what Python cannot parse', () => {
    assert.equal(wrap(server, { url: 'https://h/\ud800' }), undefined)
    assert.equal(wrap(server, { url: 'https://[h/' }), undefined)
  })

  it('belongs to a server in any spelling', () => {
    assert.ok(isBelow('http://kiss', 'HTTP://KISS:80/api/v1/fetch'))
    assert.ok(isBelow('http://kiss/a', 'http://kiss/a'))
    for (const other of ['https://kiss/', 'http://kiss:8001/', 'http://kis/', 'no url'])
      assert.ok(!isBelow('http://kiss', other), other)
    assert.ok(!isBelow('http://kiss/a', 'http://kiss/ab'))
  })
})

describe('the base of a server', () => {
  it('has no slash at its end and one spelling', () => {
    assert.equal(serverBase('http://Kiss:80/'), 'http://kiss')
    assert.equal(serverBase('https://lab.example.com/kiss//'), 'https://lab.example.com/kiss')
  })

  it('is an http or https URL without user, password, query and fragment', () => {
    for (const text of [
      'kiss:8001',
      'ftp://kiss',
      'http://a@kiss',
      'http://:b@kiss',
      'http://kiss?x',
      'http://kiss#x',
      '',
    ])
      assert.equal(serverBase(text), undefined, text)
  })
})

describe('a URL in a report', () => {
  it('is whole where it has no credential', () => {
    assert.equal(shown('https://h/a?job=build&ref=main#x'), 'https://h/a?job=build&ref=main')
  })

  it('hides userinfo, signatures and tokens', () => {
    for (const url of [
      'https://u:secret@h/a',
      'https://h/a?X-Amz-Signature=secret',
      'https://h/a?token=secret',
      'h/u:secret@x?secret',
    ])
      assert.doesNotMatch(shown(url), /secret/)
  })
})
