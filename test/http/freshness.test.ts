import assert from 'node:assert/strict'
import { ageSeconds, isFresh, lifetimesFrom, remainingSeconds } from '#kiss/http/freshness.js'

describe('freshness', () => {
  const entry = { validatedAt: 1_000_000, staleAt: 2_000_000 }

  it('ends at staleAt', () => {
    assert.ok(isFresh(entry, { now: 1_999_999 }))
    assert.ok(!isFresh(entry, { now: 2_000_000 }))
  })

  it('can be narrowed by a ttl for one request, and never widened', () => {
    assert.ok(isFresh(entry, { now: 1_060_000, ttl: 60_000 }))
    assert.ok(!isFresh(entry, { now: 1_060_001, ttl: 60_000 }))
    assert.ok(!isFresh(entry, { now: 2_000_000, ttl: 10_000_000 }))
    assert.ok(isFresh(entry, { now: 1_000_000, ttl: 0 }))
  })

  it('is told in whole seconds, and a clock that was set back makes nothing younger than new', () => {
    assert.equal(ageSeconds(entry, 1_001_999), 1)
    assert.equal(ageSeconds(entry, 500_000), 0)
    assert.equal(remainingSeconds(entry, 2_120_500), -120)
    assert.equal(remainingSeconds(entry, 1_990_000), 10)
  })

  it('is renewed by the lifetime', () => {
    assert.deepEqual(lifetimesFrom(5, 10), { validatedAt: 5, staleAt: 15 })
  })
})
