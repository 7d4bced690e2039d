import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { Gate } from '#kiss/upstream/gate.js'

/** Enters for each host in order; the names of those who are in, in the order of their entering. */
function arrivals(gate: Gate, ...hosts: string[]) {
  const inside: string[] = []
  const leaves: (() => void)[] = []
  const entered = hosts.map(async (host, index) => {
    const leave = await gate.enter({ host })
    inside.push(`${host}${index}`)
    leaves[index] = leave
  })
  return { inside, leave: (index: number) => leaves[index]?.(), all: Promise.all(entered) }
}

describe('the gate of downloads', () => {
  it('lets everybody in without limits', async () => {
    const { inside, all } = arrivals(new Gate({}), 'a', 'a', 'b')
    await all
    assert.equal(inside.length, 3)
  })

  it('keeps the order of arrival', async () => {
    const { inside, leave } = arrivals(new Gate({ total: 2 }), 'a', 'b', 'c', 'd')
    await turn()
    assert.deepEqual(inside, ['a0', 'b1'])
    leave(1)
    leave(1)
    await turn()
    assert.deepEqual(inside, ['a0', 'b1', 'c2'])
    leave(0)
    await turn()
    assert.deepEqual(inside, ['a0', 'b1', 'c2', 'd3'])
  })

  it('lets others pass a host that is at its limit', async () => {
    const { inside, leave } = arrivals(new Gate({ total: 3, perHost: 1 }), 'a', 'a', 'a', 'b', 'c')
    await turn()
    assert.deepEqual(inside, ['a0', 'b3', 'c4'])
    leave(3)
    await turn()
    assert.deepEqual(inside, ['a0', 'b3', 'c4'])
    leave(0)
    await turn()
    assert.deepEqual(inside, ['a0', 'b3', 'c4', 'a1'])
    leave(1)
    await turn()
    assert.deepEqual(inside, ['a0', 'b3', 'c4', 'a1', 'a2'])
  })

  it('forgets a download that gave up waiting', async () => {
    const gate = new Gate({ total: 1 })
    const leave = await gate.enter({ host: 'a' })
    const [first, second] = [new AbortController(), new AbortController()]
    const waiting = [gate.enter({ host: 'a' }, first.signal), gate.enter({ host: 'a' }, second.signal)]
    first.abort(new Error('gone'))
    await assert.rejects(waiting[0]!, /gone/)
    await assert.rejects(gate.enter({ host: 'a' }, first.signal), /gone/)
    leave()
    const leaveToo = await waiting[1]!
    second.abort(new Error('too late'))
    leaveToo()
    await gate.enter({ host: 'a' })
  })
})
