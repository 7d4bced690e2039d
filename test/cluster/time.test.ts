import assert from 'node:assert/strict'
import { ClockDifference } from '#kiss/cluster/time.js'

describe('the clock of a node beside that of Redis', () => {
  const REDIS = 1_000_000
  const after = (...answers: readonly (readonly [redis: number, sentAt: number, receivedAt: number])[]): number => {
    const time = new ClockDifference()
    for (const answer of answers) time.learn(...answer)
    return time.ahead
  }

  it('counts as equal for a difference of less than two seconds', () => {
    assert.equal(after([REDIS, REDIS + 1_900, REDIS + 1_910]), 0)
    assert.equal(after([REDIS, REDIS - 1_900, REDIS - 1_890]), 0)
  })

  it('is compared by the quickest answer', () => {
    const quick = [REDIS, REDIS + 60_000, REDIS + 60_002] as const
    const slow = [REDIS, REDIS + 59_900, REDIS + 60_300] as const
    assert.equal(after(slow, quick), 60_001)
    assert.equal(after(quick, slow), 60_001)
  })

  it('is compared again when one of them was set', () => {
    assert.equal(after([REDIS, REDIS + 60_000, REDIS + 60_002], [REDIS + 10, REDIS, REDIS + 30]), 0)
  })

  it('is not compared by an answer that came after a pause of the machine', () => {
    assert.equal(after([REDIS, REDIS - 9_000, REDIS + 9_000]), 0)
    assert.equal(after([REDIS, REDIS + 60_000, REDIS + 60_000], [REDIS, REDIS + 60_000, REDIS + 90_000]), 60_000)
  })
})
