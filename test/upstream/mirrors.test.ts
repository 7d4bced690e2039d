import assert from 'node:assert/strict'
import { mirrorsFor, parseMirrors, targetsOf } from '#kiss/upstream/mirrors.js'
import { plain } from '../support/asking.js'

const request = {
  method: 'GET',
  headers: {},
  provider: plain,
  clientCredential: false,
  headersTimeout: 60_000,
  signal: new AbortController().signal,
} as const

function targets(match: string, to: string[], url: string): string[] {
  return targetsOf(parseMirrors([{ match, to }]), new URL(url)).map(({ url }) => url.href)
}

describe('mirrors', () => {
  it('a mirror replaces the part of a URL before the last slash ahead of a star', () => {
    const to = ['http://mirror.lab/m']
    const table: readonly (readonly [string, string, string[]])[] = [
      ['https://a.example/pub/', 'https://a.example/pub/x/y?q=1', ['http://mirror.lab/m/x/y?q=1']],
      ['https://a.example/pub/**', 'https://a.example/pub/x/y', ['http://mirror.lab/m/x/y']],
      ['https://a.example/pub/*', 'https://a.example/pub/x/y', []],
      ['https://a.example/pub/*', 'https://a.example/pub/x', ['http://mirror.lab/m/x']],
      ['https://a.example/pub/linux-*.tar', 'https://a.example/pub/linux-6.tar', ['http://mirror.lab/m/linux-6.tar']],
      ['https://a.example/pub/one.img', 'https://a.example/pub/one.img', ['http://mirror.lab/m/one.img']],
      ['https://a.example/pub/one.img', 'https://a.example/pub/oneXimg', []],
      ['https://*.example/**', 'https://a.example/x/y', ['http://mirror.lab/m/a.example/x/y']],
      ['https://*.example/**', 'https://a.example.org/x', []],
      ['https://a.example/', 'http://a.example/x', []],
      ['https://a.example/', 'https://u:p@a.example/x#f', ['http://mirror.lab/m/x']],
      ['https://A.example:443', 'https://a.example/x', ['http://mirror.lab/m/x']],
      ['https://a.example/pub/**/x.img', 'https://a.example/pub/b/c/x.img', ['http://mirror.lab/m/b/c/x.img']],
      ['https://a.example/pub/**/x.img', 'https://a.example/pub/x.img', ['http://mirror.lab/m/x.img']],
      ['https://a.example/pub/**/x.img', 'https://a.example/pub/bx.img', []],
      ['s3://bucket/**', 's3://bucket/a%20b', ['http://mirror.lab/m/a%20b']],
    ]
    for (const [match, url, found] of table) assert.deepEqual(targets(match, to, url), found, `${match} ${url}`)
  })

  it('a mirror matches a pattern that is written without percent-encoding', () => {
    assert.deepEqual(targets('https://a.example/a b|c/*', ['http://m.lab/'], 'https://a.example/a%20b%7Cc/x'), [
      'http://m.lab/x',
    ])
  })

  it('a mirror is not asked for a path that could lead out of its folder', () => {
    const rules = parseMirrors([{ match: 'http://cdn.example/**', to: ['http://m.lab/pub/'] }])
    const asked = (path: string): number =>
      mirrorsFor({ ...request, url: new URL(`http://cdn.example${path}`) }, rules).length
    for (const path of [
      '/..%2finternal%2fpasswords.txt',
      '/a%2Fb',
      '/a%5cb',
      '/%252e%252e/x',
      '/a/%252e./x',
      '/..%252fx',
      '/..%25252fx',
      '/a/%252e',
      '/..;/x',
      '/..%00/x',
      '/%2e%2e;/x',
      '/..%20/x',
      '/%c0%ae%c0%ae/x',
      '/..%e0%80%af/x',
      '/%f0%80%80%ae%f0%80%80%ae/x',
      '/..%EF%BC%8Finternal/x',
      '/%EF%BC%8E%EF%BC%8E/x',
      '/..%EF%BC%BCx',
    ]) {
      assert.equal(asked(path), 0, path)
    }
    for (const path of ['/100%25.img', '/a/...', '/.config', '/a..b/x', '/%C3%A9', '/%EF%BC%A1', '/a%20b'])
      assert.equal(asked(path), 1, path)
  })

  it('the mirrors of all patterns that match are tried in order', () => {
    const rules = parseMirrors([
      { match: 'https://a.example/x/', to: ['http://one.lab/', 'http://two.lab/'] },
      { match: 'https://a.example/**', to: ['http://u:p@three.lab/'] },
    ])
    const found = targetsOf(rules, new URL('https://a.example/x/y'))
    assert.deepEqual(
      found.map(({ name }) => name),
      ['http://one.lab/', 'http://two.lab/', 'http://three.lab/'],
    )
  })

  it('a mirror is refused if its pattern or target cannot be read', () => {
    for (const [match, to] of [
      ['a.example/', 'http://m/'],
      ['https://a.example/?x', 'http://m/'],
      ['https://a.example/', 'm'],
      ['https://a.example/', 's3://m/'],
      ['https://a.example/', 'http://m/?x'],
    ] as const) {
      assert.throws(
        () => parseMirrors([{ match, to: [to] }]),
        { code: 'usage', message: /^mirrors: / },
        `${match} ${to}`,
      )
    }
  })
})
