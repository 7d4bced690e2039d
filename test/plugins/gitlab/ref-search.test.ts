import assert from 'node:assert/strict'
import type { UpstreamFailure, UpstreamRequest } from '#kiss/provider/types.js'
import { api, authorised, make, web } from './made.js'

describe('the provider of a GitLab instance, where a slash may belong to the ref', () => {
  const unknown = '{"message":"404 Commit Not Found"}'
  const failed = (request: UpstreamRequest, excerpt: string): UpstreamFailure => ({
    ...request,
    hop: 0,
    status: 404,
    excerpt,
  })
  const asked = `${web}/raw/a/b/c/d`
  const refOf = ({ url }: UpstreamRequest): string =>
    `${url.searchParams.get('ref')} ${decodeURIComponent(url.pathname.split('/').at(-2)!)}`

  it('tries a longer ref when GitLab knows no such one, and remembers which it was', async () => {
    const provider = make()
    const first = await authorised(provider, asked)
    assert.equal(refOf(first), 'a b/c/d')
    assert.equal(provider.classify(failed(first, unknown)), 'reauthorise')
    const second = await authorised(provider, asked)
    assert.equal(refOf(second), 'a/b c/d')
    assert.equal(provider.refuse({ ...second, hop: 0, status: 200 }), undefined)
    assert.equal(refOf(await authorised(provider, asked)), 'a/b c/d')
  })

  it('keeps the key all the while', async () => {
    const provider = make()
    const key = provider.cacheKey(new URL(asked)).href
    provider.classify(failed(await authorised(provider, asked), unknown))
    assert.equal(provider.cacheKey(new URL(asked)).href, key)
  })

  it('gives up after the longest, and begins anew', async () => {
    const provider = make()
    const seen = []
    for (;;) {
      const request = await authorised(provider, asked)
      seen.push(refOf(request))
      if (provider.classify(failed(request, unknown)) !== 'reauthorise') break
    }
    assert.deepEqual(seen, ['a b/c/d', 'a/b c/d', 'a/b/c d'])
    assert.equal(refOf(await authorised(provider, asked)), 'a b/c/d')
  })

  it('believes GitLab where the ref exists and the file does not', async () => {
    const provider = make()
    for (const excerpt of ['{"message":"404 File Not Found"}', '{"message":"404 Project Not Found"}']) {
      assert.notEqual(provider.classify(failed(await authorised(provider, asked), excerpt)), 'reauthorise')
    }
    assert.equal(refOf(await authorised(provider, asked)), 'a b/c/d')
  })

  it('lets two readers who ask at once both try the longer one', async () => {
    const provider = make()
    const [one, other] = [await authorised(provider, asked), await authorised(provider, asked)]
    assert.equal(provider.classify(failed(one, unknown)), 'reauthorise')
    assert.equal(provider.classify(failed(other, unknown)), 'reauthorise')
    assert.equal(refOf(await authorised(provider, asked)), 'a/b c/d')
  })

  it('does not ask again and again for what has no other reading', async () => {
    const provider = make()
    const url = `${api}/repository/files/b%2Fc%2Fd/raw?ref=a`
    assert.equal(provider.classify(failed(await authorised(provider, url), unknown)), undefined)
  })
})
