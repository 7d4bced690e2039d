import assert from 'node:assert/strict'
import { ownerOf, plainProvider } from '#kiss/provider/owner.js'
import type { UpstreamProvider } from '#kiss/provider/types.js'

describe('the owner of a URL', () => {
  const named = (name: string, priority: number): UpstreamProvider => ({ ...plainProvider, name, priority })
  const url = new URL('https://host/a')

  it('is the provider of the highest priority, then the first by name, in whatever order they came', () => {
    const providers = [plainProvider, named('b', 5), named('c', 9), named('a', 9), named('d', 1)]
    for (const given of [providers, [...providers].reverse()]) assert.equal(ownerOf(url, given)?.name, 'a')
  })

  it('is missing where no provider matches the URL', () => {
    assert.equal(ownerOf(new URL('ftp://host/a'), [plainProvider]), undefined)
  })
})
