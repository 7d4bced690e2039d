import assert from 'node:assert/strict'
import { mayServeStale, resolve, type Question } from '#kiss/engine/resolution.js'
import { KissError } from '#kiss/errors.js'
import type { Entry } from '#kiss/store/types.js'

const entry: Entry = {
  id: 'a'.repeat(64),
  url: 'http://host/a',
  sha256: 'b'.repeat(64),
  size: 10,
  headers: {},
  storedAt: 1000,
  validatedAt: 1000,
  staleAt: 11_000,
  lifetime: 10_000,
  lastUsedAt: 1000,
  hits: 0,
  private: false,
  unverified: false,
}

function decide(question: Partial<Question>): string {
  const resolution = resolve({
    entry,
    now: 5000,
    since: 5000,
    ttl: undefined,
    refresh: false,
    offline: false,
    ...question,
  })
  return resolution.kind === 'serve' && resolution.stale ? 'serve stale' : resolution.kind
}

describe('resolution', () => {
  it('serves a fresh entry', () => assert.equal(decide({}), 'serve'))
  it('forwards without an entry', () => assert.equal(decide({ entry: undefined }), 'forward'))
  it('validates a stale entry', () => assert.equal(decide({ now: 11_000, since: 11_000 }), 'validate'))
  it('validates an entry that is older than this request takes', () => assert.equal(decide({ ttl: 3999 }), 'validate'))
  it('serves an entry that is just as old as this request takes', () => assert.equal(decide({ ttl: 4000 }), 'serve'))
  it('takes no ttl for a longer lifetime', () =>
    assert.equal(decide({ now: 12_000, since: 12_000, ttl: 100_000 }), 'validate'))
  it('validates on request, whatever the age', () => assert.equal(decide({ refresh: true }), 'validate'))
  it('serves an entry that was confirmed since the request came', () =>
    assert.equal(decide({ refresh: true, ttl: 0, since: 900 }), 'serve'))
  it('serves an entry offline, fresh or not', () => {
    assert.equal(decide({ offline: true, refresh: true }), 'serve')
    assert.equal(decide({ offline: true, now: 12_000, since: 12_000 }), 'serve stale')
  })
  it('has nothing to serve offline without an entry', () =>
    assert.equal(decide({ entry: undefined, offline: true }), 'unavailable'))
})

describe('stale if error', () => {
  const allowed = (error: KissError, now: number): boolean => mayServeStale(entry, error, now, 1000)

  it('serves stale while the origin is in trouble, for a time', () => {
    for (const code of ['origin-unreachable', 'origin-timeout', 'origin-failed'] as const) {
      assert.equal(allowed(new KissError(code, ''), 11_999), true)
      assert.equal(allowed(new KissError(code, ''), 12_000), false)
    }
  })

  it('does not hide what the origin said, nor our own errors', () => {
    for (const code of ['origin-refused', 'upstream-forbidden', 'quota', 'disk', 'credential'] as const)
      assert.equal(allowed(new KissError(code, ''), 11_500), false)
  })
})
