import assert from 'node:assert/strict'
import { parseFetchQuery } from '#kiss/server/fetch-query.js'

const urlOf = (query: string): string => parseFetchQuery(query).url.href

describe('the query of the fetch endpoint', () => {
  it('has its URL percent-decoded once', () => {
    assert.equal(urlOf('url=https%3A%2F%2Fh%2Fa%2520b%3Fx%3D1%26y%3D2'), 'https://h/a%20b?x=1&y=2')
    assert.equal(urlOf('url=https%3a%2f%2fh%2f%25E2%2582%25AC'), 'https://h/%E2%82%AC')
  })

  it('takes + for a blank in an encoded URL, as quote_plus writes it', () => {
    assert.equal(urlOf('url=https%3A%2F%2Fh%2Fa+b%2Bc'), 'https://h/a%20b+c')
  })

  it('takes + for a plus in a URL that is not encoded', () => {
    assert.equal(urlOf('url=https://h/a+b'), 'https://h/a+b')
  })

  it('ends a URL that is not encoded at its first &', () => {
    const { url, ttl } = parseFetchQuery('url=https://h/p?a=b=c&ttl=1h')
    assert.deepEqual([url.href, ttl], ['https://h/p?a=b=c', 3_600_000])
    assert.equal(urlOf('url=https://h/p?a=1&b=2'), 'https://h/p?a=1')
    assert.equal(urlOf('url=https://h/p%3Fa%3D1%26b%3D2'), 'https://h/p?a=1&b=2')
  })

  it('takes parameters in any order, and those of others for nothing', () => {
    const { url, ttl, passed } = parseFetchQuery('x=1&passheaders=A%2CB&ttl=10d&&url=https%3A%2F%2Fh%2F&y')
    assert.deepEqual([url.href, ttl, passed], ['https://h/', 864_000_000, ['a', 'b']])
  })

  it('takes a stray % for a literal one', () => {
    assert.equal(urlOf('url=https://h/100%'), 'https://h/100%25')
    assert.equal(urlOf('url=https%3A%2F%2Fh%2F%ff'), 'https://h/%ff')
  })

  it('takes URLs of other schemes, for providers', () => {
    assert.equal(urlOf('url=s3%3A%2F%2Fbucket%2Fkey%3FversionId%3D1'), 's3://bucket/key?versionId=1')
  })
})
