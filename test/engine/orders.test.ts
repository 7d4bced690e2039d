import assert from 'node:assert/strict'
import { PurgeOrders, type PurgeOrder } from '#kiss/engine/purge-everywhere.js'
import type { Purged } from '#kiss/engine/status.js'
import { latch } from '../support/latch.js'

const order: PurgeOrder = { filter: {}, ids: ['a', 'b'], before: 1 }

describe('a purge that another node orders by HTTP and by the log', () => {
  /** Removes the stored bodies one after the other. */
  function node(sizes: number[], removing: Promise<unknown> = Promise.resolve()): PurgeOrders {
    return new PurgeOrders(async () => {
      const purged = { removed: 0, bytes: 0 }
      const named = sizes.length > 0 ? ['target'] : []
      for (let size = sizes.pop(); size !== undefined; size = sizes.pop()) {
        purged.removed++
        purged.bytes += size
        await removing
      }
      return { ...purged, named, dryRun: false }
    })
  }
  const both: Purged = { removed: 2, bytes: 30, named: ['target'], dryRun: false }

  it('counts every removed entry where the log brings it while the request runs', async () => {
    const removing = latch()
    const orders = node([10, 20], removing.opened)
    const [byHttp, byLog] = [orders.run(order), orders.run(structuredClone(order))]
    removing.open()
    assert.deepEqual(await byHttp, both)
    assert.deepEqual(await byLog, both)
  })

  it('counts every removed entry where the log brings it before the request', async () => {
    const orders = node([10, 20])
    await orders.run(order)
    assert.deepEqual(await orders.run(structuredClone(order)), both)
    assert.equal((await orders.run({ ...order, before: 2 })).removed, 0)
  })

  it('runs again after a run that failed', async () => {
    const results = [Promise.reject(new Error('disk')), Promise.resolve(both)]
    const orders = new PurgeOrders(() => results.shift()!)
    const [first, second] = [orders.run(order), orders.run(order)]
    await assert.rejects(first, /disk/)
    assert.deepEqual(await second, both)
  })
})
