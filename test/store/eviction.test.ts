import assert from 'node:assert/strict'
import { chooseVictims, planRoom } from '#kiss/store/eviction.js'

describe('eviction', () => {
  const candidates = [
    { sha256: 'b', size: 20, lastUsedAt: 2 },
    { sha256: 'a', size: 10, lastUsedAt: 1 },
    { sha256: 'c', size: 30, lastUsedAt: 3 },
  ]
  const chosen = (bytes: number) => chooseVictims(candidates, bytes).map(({ sha256 }) => sha256)

  it('takes the least recently used until it is enough, and not one more', () => {
    assert.deepEqual(chosen(1), ['a'])
    assert.deepEqual(chosen(10), ['a'])
    assert.deepEqual(chosen(11), ['a', 'b'])
    assert.deepEqual(chosen(31), ['a', 'b', 'c'])
  })

  it('takes nothing for nothing, and everything where that is not enough', () => {
    assert.deepEqual(chosen(0), [])
    assert.deepEqual(chosen(1_000), ['a', 'b', 'c'])
    assert.deepEqual(chooseVictims([], 1), [])
  })

  it('plans how to make room', () => {
    const room = { quota: 100, kept: 60, leaving: 0, reserved: 30 }
    assert.deepEqual(planRoom(101, room), { do: 'refuse-size' })
    assert.deepEqual(planRoom(71, room), { do: 'refuse-busy' })
    assert.deepEqual(planRoom(70, room), { do: 'evict', bytes: 60 })
    assert.deepEqual(planRoom(11, room), { do: 'evict', bytes: 1 })
  })

  it('waits for what is leaving instead of evicting more', () => {
    assert.deepEqual(planRoom(10, { quota: 100, kept: 60, leaving: 20, reserved: 30 }), { do: 'wait' })
    assert.deepEqual(planRoom(15, { quota: 100, kept: 60, leaving: 20, reserved: 30 }), { do: 'evict', bytes: 5 })
  })
})
