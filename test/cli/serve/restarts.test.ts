import assert from 'node:assert/strict'
import { afterDeath, type Death } from '#kiss/cli/serve/workers.js'

const unstarted: Death = { listened: false, lived: 100, othersListening: 0, hopeless: false }

describe('the replacement of dead workers', () => {
  it('a worker that had served for a while is replaced at once, whatever happened before', () => {
    const death = { listened: true, lived: 60_000, othersListening: 0, hopeless: false }
    assert.deepEqual(afterDeath({ inRow: 9 }, death), { restarts: { inRow: 0 }, wait: 0 })
  })

  it('workers that die in a row are replaced after growing pauses', () => {
    const waits: (number | undefined)[] = []
    let restarts = { inRow: 0 }
    for (let i = 0; i < 9; i++) {
      const next = afterDeath(restarts, { listened: true, lived: 10, othersListening: 1, hopeless: false })
      restarts = next.restarts
      waits.push(next.wait)
    }
    assert.deepEqual(waits, [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
  })

  it('a worker that reports why none can start is not replaced', () => {
    assert.equal(afterDeath({ inRow: 0 }, { ...unstarted, hopeless: true }).wait, undefined)
  })

  it('a worker is not replaced when five in a row could not start and no other serves', () => {
    assert.equal(afterDeath({ inRow: 3 }, unstarted).wait, 2000)
    assert.equal(afterDeath({ inRow: 4 }, unstarted).wait, undefined)
    assert.equal(afterDeath({ inRow: 4 }, { ...unstarted, othersListening: 1 }).wait, 4000)
  })
})
