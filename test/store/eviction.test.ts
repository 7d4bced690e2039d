import assert from 'node:assert/strict'
import { chooseVictims, planRoom } from '#kiss/store/eviction.js'

describe('eviction', () => {
  const candidates = [
    { sha256: 'b', cost: 20, lastUsedAt: 2 },
    { sha256: 'a', cost: 10, lastUsedAt: 1 },
    { sha256: 'c', cost: 30, lastUsedAt: 3 },
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
    const room = { quota: 100, kept: 60, leaving: 0, granted: 30, promised: 30, pinned: 0 }
    assert.deepEqual(planRoom(101, 101, room), { do: 'refuse-size' })
    assert.deepEqual(planRoom(71, 0, room), { do: 'refuse-busy' })
    assert.deepEqual(planRoom(70, 70, room), { do: 'evict', bytes: 60 })
    assert.deepEqual(planRoom(11, 11, room), { do: 'evict', bytes: 1 })
    assert.deepEqual(planRoom(70, 10, room), { do: 'wait' })
  })

  it('waits for a promise that nothing fills, and evicts nothing for it', () => {
    const room = { quota: 100, kept: 90, leaving: 0, granted: 0, promised: 100, pinned: 0 }
    assert.deepEqual(planRoom(1, 1, room), { do: 'wait-for-promises' })
  })

  it('waits for removals under way instead of evicting more', () => {
    const room = { quota: 100, kept: 60, leaving: 20, granted: 30, promised: 30, pinned: 0 }
    assert.deepEqual(planRoom(10, 10, room), { do: 'wait' })
    assert.deepEqual(planRoom(15, 15, room), { do: 'evict', bytes: 5 })
  })
})
