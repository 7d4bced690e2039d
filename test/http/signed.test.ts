import assert from 'node:assert/strict'
import { signedUntil } from '#kiss/http/signed.js'

describe('the end of a signature', () => {
  it('is in the query of every kind of signed URL', () => {
    const end = Date.parse('2026-01-02T03:05:05Z')
    for (const [query, expected] of [
      ['X-Amz-Date=20260102T030405Z&X-Amz-Expires=60&X-Amz-Signature=a', end],
      ['x-goog-date=20260102T030405Z&x-goog-expires=60', end],
      [`Expires=${end / 1000}&Signature=a&Key-Pair-Id=b`, end],
      ['se=2026-01-02T03%3A05%3A05Z&sig=a', end],
      ['', undefined],
      ['expires=5', undefined],
      ['se=2026-01-02', undefined],
      ['X-Amz-Date=today&X-Amz-Expires=60', undefined],
      ['X-Amz-Date=20260102T030405Z', undefined],
      ['Signature=a', undefined],
      ['Signature=a&Expires=soon', undefined],
    ] as const)
      assert.equal(signedUntil(new URL(`https://h.example/f?${query}`)), expected, query)
  })
})
