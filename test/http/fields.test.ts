import assert from 'node:assert/strict'
import { cacheStatusOf, formatCacheStatus } from '#kiss/http/cache-status.js'
import { parseHttpDate, formatRetryAfter, parseRetryAfter } from '#kiss/http/dates.js'
import { formatReprDigest, ownEntityTag, parseReprDigest, parseSha256 } from '#kiss/http/digest.js'
import { attachment } from '#kiss/http/disposition.js'
import { isPassable, parsePassedNames, passedHeaders } from '#kiss/http/passed-headers.js'
import { storedHeaders } from '#kiss/http/stored.js'
import { isEntityTag } from '#kiss/http/validation.js'

const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
const epoch = Date.UTC(1994, 10, 6, 8, 49, 37)

describe('Cache-Status', () => {
  it('has the strings of the contract', () => {
    const plain = { stored: true, detail: undefined }
    assert.equal(cacheStatusOf({ as: 'hit', ...plain }), 'kiss; hit')
    assert.equal(cacheStatusOf({ as: 'miss', ...plain }), 'kiss; fwd=uri-miss; fwd-status=200; stored')
    assert.equal(cacheStatusOf({ as: 'miss', ...plain, stored: false }), 'kiss; fwd=uri-miss; fwd-status=200')
    assert.equal(cacheStatusOf({ as: 'collapsed', ...plain }), 'kiss; fwd=uri-miss; collapsed')
    assert.equal(cacheStatusOf({ as: 'revalidated', ...plain }), 'kiss; fwd=stale; fwd-status=304')
    assert.equal(
      cacheStatusOf({ as: 'stale', stored: true, detail: 'stale-if-error', ttl: -120 }),
      'kiss; hit; ttl=-120; detail=stale-if-error',
    )
    assert.equal(cacheStatusOf({ as: 'hit', stored: true, detail: 'authorised' }), 'kiss; hit; detail=authorised')
  })

  it('quotes a detail that is no token', () => {
    assert.equal(formatCacheStatus({ detail: 'say "no"\n' }), 'kiss; detail="say \\"no\\"?"')
  })
})

describe('HTTP dates', () => {
  it('are read in the three forms of RFC 9110 §5.6.7', () => {
    assert.equal(parseHttpDate('Sun, 06 Nov 1994 08:49:37 GMT', 0), epoch)
    assert.equal(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT', Date.UTC(2026, 0)), epoch)
    assert.equal(parseHttpDate('Sun Nov  6 08:49:37 1994', 0), epoch)
    assert.equal(parseHttpDate('Friday, 06-Nov-26 08:49:37 GMT', Date.UTC(2026, 0)), Date.UTC(2026, 10, 6, 8, 49, 37))
  })

  it('are written as IMF-fixdate', () => {})

  it('are not guessed', () => {
    for (const text of [
      '',
      '0',
      '1994-11-06',
      'Sun, 31 Feb 1994 08:49:37 GMT',
      'Sun, 06 Nov 1994 25:49:37 GMT',
      'soon',
    ]) {
      assert.equal(parseHttpDate(text, 0), undefined, text)
    }
  })
})

describe('Retry-After', () => {
  it('is seconds or a date', () => {
    assert.equal(parseRetryAfter('120', 0), 120_000)
    assert.equal(parseRetryAfter('Sun, 06 Nov 1994 08:49:37 GMT', epoch - 5000), 5000)
    assert.equal(parseRetryAfter('Sun, 06 Nov 1994 08:49:37 GMT', epoch + 5000), 0)
    for (const value of ['-1', '1.5', 'soon', '', '1e3', '9'.repeat(20)])
      assert.equal(parseRetryAfter(value, 0), undefined)
    assert.equal(parseRetryAfter(undefined, 0), undefined)
  })

  it('is written in whole seconds, never 0', () => {
    assert.equal(formatRetryAfter(1), '1')
    assert.equal(formatRetryAfter(10_001), '11')
    assert.equal(formatRetryAfter(0), '1')
  })
})

describe('digests', () => {
  it('go from hex to a Repr-Digest and back', () => {
    assert.equal(formatReprDigest(sha256), 'sha-256=:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=:')
    assert.equal(parseReprDigest(`md5=:x:, ${formatReprDigest(sha256)}`), sha256)
    assert.equal(parseReprDigest('sha-256=n4bQ'), undefined)
    assert.ok(isEntityTag(ownEntityTag(sha256)))
  })

  it('are taken from people as 64 hex digits', () => {
    assert.equal(parseSha256(sha256.toUpperCase()), sha256)
    for (const text of ['', sha256.slice(1), `${sha256}0`, `sha256:${sha256}`, 'g'.repeat(64)]) {
      assert.equal(parseSha256(text), undefined)
    }
  })
})

describe('Content-Disposition', () => {
  it('is an attachment with the name as it is where that is plain', () => {
    assert.equal(attachment('Image.gz'), 'attachment; filename="Image.gz"')
    assert.equal(attachment('a b.img'), 'attachment; filename="a b.img"')
  })

  it('has a second form where the name needs it', () => {
    assert.equal(attachment('naïve.bin'), `attachment; filename="na_ve.bin"; filename*=UTF-8''na%C3%AFve.bin`)
    assert.equal(attachment('100%"\\'), `attachment; filename="100___"; filename*=UTF-8''100%25%22_`)
    assert.equal(
      attachment(`it's (1)*.é`),
      `attachment; filename="it's (1)*._"; filename*=UTF-8''it%27s%20%281%29%2A.%C3%A9`,
    )
  })

  it('never ends the line or leaves the directory', () => {
    assert.equal(attachment('a\r\nSet-Cookie: x'), 'attachment; filename="a__Set-Cookie: x"')
    assert.equal(attachment('../../etc/passwd'), 'attachment; filename=".._.._etc_passwd"')
    assert.equal(attachment('..'), 'attachment; filename="download"')
    assert.match(attachment('\ud800x'), /^attachment; filename="_x"$/)
  })
})

describe('stored headers', () => {
  it('are a short list', () => {
    const stored = storedHeaders(
      {
        'content-type': 'application/gzip',
        etag: '"a"',
        'last-modified': 'Sun, 06 Nov 1994 08:49:37 GMT',
        'set-cookie': 'a=b',
        'strict-transport-security': 'max-age=1',
        'access-control-allow-origin': '*',
        'clear-site-data': '"*"',
        'content-encoding': 'gzip',
        'content-length': '5',
        location: 'https://secret',
      },
      0,
    )
    assert.deepEqual(stored, {
      contentEncoding: 'gzip',
      contentType: 'application/gzip',
      etag: '"a"',
      lastModified: 'Sun, 06 Nov 1994 08:49:37 GMT',
    })
  })

  it('are kept only where they are what they should be', () => {
    assert.deepEqual(
      storedHeaders({ 'content-type': 'nonsense', etag: 'unquoted', 'last-modified': 'yesterday' }, 0),
      {},
    )
    assert.deepEqual(storedHeaders({ 'content-type': 'text/html; charset="utf-8"' }, 0), {
      contentType: 'text/html; charset="utf-8"',
    })
    assert.deepEqual(storedHeaders({ 'content-type': 'text/html; x=\u20ac', etag: `"${'x'.repeat(2000)}"` }, 0), {})
  })
})

describe('passed headers', () => {
  it('are never those of rule 10', () => {
    const refused =
      'host range if-match if-range if-none-match accept-encoding a-im content-type content-length te expect via ' +
      'forwarded x-forwarded-for x-forwarded-host x-http-method-override x-original-url x-rewrite-url connection ' +
      'keep-alive proxy-authorization transfer-encoding upgrade trailer x-kiss-token digest want-digest cdn-loop ' +
      'cf-connecting-ip true-client-ip x-real-ip max-forwards http2-settings :authority'
    for (const name of refused.split(' ')) assert.ok(!isPassable(name), name)
    for (const name of ['', 'a b', 'a:b', 'é', 'a\n']) assert.ok(!isPassable(name), name)
    for (const name of ['authorization', 'private-token', 'x-custom', 'cookie', 'accept', 'x-kissing'])
      assert.ok(isPassable(name), name)
  })

  it('are named in lists as KissCache has them', () => {
    assert.deepEqual(parsePassedNames('Authorization, X-Custom,,Range,bad name'), ['authorization', 'x-custom'])
    assert.deepEqual(parsePassedNames(''), [])
  })

  it('leave out what is missing and what the Connection field claims', () => {
    const headers = { authorization: 'a', 'x-hop': 'b', connection: 'close, X-Hop', 'x-two': ['1', '2'] }
    assert.deepEqual(passedHeaders(headers, ['authorization', 'x-hop', 'x-none', 'x-two', 'host']), {
      authorization: 'a',
      'x-two': '1, 2',
    })
  })
})
