import assert from 'node:assert/strict'
import { checkCircle, firstHop, nextHop, redirects, shown } from '#kiss/upstream/redirects.js'

const headers = { authorization: 'Bearer t', 'private-token': 'p', cookie: 'c', range: 'bytes=5-', 'if-range': '"1"' }
const own = { range: 'bytes=5-', 'if-range': '"1"' }

function next(from: string, location: string) {
  const hop = nextHop({ url: new URL(from), headers }, location)
  return { url: hop.url.href, headers: hop.headers }
}

describe('redirects', () => {
  it('follows five statuses, and only with a Location', () => {
    for (const status of [301, 302, 303, 307, 308]) assert.ok(redirects(status, '/x'))
    for (const status of [200, 206, 300, 304, 305, 404]) assert.ok(!redirects(status, '/x'))
    assert.ok(!redirects(302, undefined))
  })

  it('resolves a Location against the URL that was sent, and keeps everything within an origin', () => {
    assert.deepEqual(next('https://a.example/x/y?q=1#f', '../z?p=2#g'), { url: 'https://a.example/z?p=2', headers })
    assert.deepEqual(next('https://a.example:443/x', 'https://A.example/y'), { url: 'https://a.example/y', headers })
  })

  it('drops every passed header when scheme, host or port change, and keeps validators and range', () => {
    for (const location of ['https://b.example/', '//b.example/', 'https://a.example:8443/', 'https://x.a.example/']) {
      assert.deepEqual(next('https://a.example/x', location).headers, own, location)
    }
    assert.deepEqual(next('http://a.example/x', 'https://a.example/x').headers, own)
  })

  it('turns userinfo into a Basic credential for that origin', () => {
    const hop = firstHop(new URL('https://us%65r:p%40ss%@a.example/x#f'), { range: 'bytes=5-' })
    assert.equal(hop.url.href, 'https://a.example/x')
    assert.deepEqual(hop.headers, { authorization: `Basic ${btoa('user:p@ss%')}`, range: 'bytes=5-' })
    assert.deepEqual(nextHop(hop, 'https://b.example/').headers, { range: 'bytes=5-' })
    assert.deepEqual(nextHop(hop, '/y').headers, hop.headers)
    assert.deepEqual(nextHop(hop, 'https://u:v@b.example/').headers, {
      authorization: `Basic ${btoa('u:v')}`,
      range: 'bytes=5-',
    })
    assert.equal(nextHop(hop, 'https://u:v@b.example/').url.href, 'https://b.example/')
  })

  it('lets a passed Authorization win over userinfo, and leaves userinfo of other schemes to their provider', () => {
    const hop = firstHop(new URL('https://u:p@a.example/'), { authorization: 'Bearer t' })
    assert.deepEqual(hop.headers, { authorization: 'Bearer t' })
    const other = firstHop(new URL('s3://u:p@bucket/key'), {})
    assert.deepEqual([other.url.href, other.headers], ['s3://u:p@bucket/key', {}])
  })

  it('never goes from https to http, nor to another scheme', () => {
    for (const [location, message] of [
      ['http://a.example/x?token=secret', /from https to http \(http:\/\/a\.example\/x\?…\)/],
      ['ftp://a.example/x', /to a ftp: URL/],
      ['file:///etc/passwd', /to a file: URL/],
      ['http://', /no URL/],
    ] as const) {
      assert.throws(
        () => next('https://u:pw@a.example/?k=secret', location),
        (error: Error & Record<string, unknown>) => {
          assert.deepEqual([error['code'], error['status'], error['exit']], ['origin-failed', 502, 4])
          assert.match(error.message, message)
          assert.doesNotMatch(error.message, /secret|pw/)
          return true
        },
      )
    }
    assert.equal(next('http://a.example/', 'https://b.example/').url, 'https://b.example/')
  })

  it('ends circles and long chains', () => {
    assert.throws(() => checkCircle(['http://a/', 'http://b/'], new URL('http://a/')), {
      code: 'origin-failed',
      exit: 4,
      status: 508,
    })
    const visited = Array.from({ length: 10 }, (_, n) => `http://a/${n}`)
    checkCircle(visited, new URL('http://a/10'))
    assert.throws(() => checkCircle([...visited, 'http://a/10'], new URL('http://a/11')), { code: 'origin-failed' })
  })

  it('shows a URL without what may be secret', () => {
    assert.equal(shown(new URL('https://u:p@a.example:8443/x?sig=1#f')), 'https://a.example:8443/x?…')
    assert.equal(shown(new URL('s3://bucket/key')), 's3://bucket/key')
  })
})
