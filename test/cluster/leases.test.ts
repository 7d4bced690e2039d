/** The leases of two nodes in a real Redis. */
import assert from 'node:assert/strict'
import { SharedLeases, type SharedLease } from '#kiss/cluster/leases.js'
import { Redis } from '#kiss/cluster/redis.js'
import type { Slot } from '#kiss/cluster/holder.js'
import type { Entry, KeyId } from '#kiss/store/types.js'
import { RedisServer } from '../support/cluster.js'
import { describeWithRedis } from '../support/cluster-lab.js'

describeWithRedis('the failure of one of two downloads in a cluster', () => {
  let server: RedisServer
  let redis: Redis
  const nodes: SharedLeases[] = []
  before(async () => {
    server = await RedisServer.start()
    redis = await Redis.open({ url: server.url, warn: () => undefined })
    for (const instance of ['a', 'b']) {
      nodes.push(new SharedLeases({ redis, prefix: 'test:', instance, url: `http://${instance}/` }))
    }
  })
  after(async () => {
    for (const node of nodes) node.close()
    redis.close()
    await server.close()
  })

  const failure = { code: 'origin-refused', message: 'no', status: 403 } as const
  const sha256 = 'a'.repeat(64)
  const start = async (id: KeyId): Promise<[SharedLeases, SharedLease][]> => {
    const slots: Slot[] = ['lease', 'beside']
    return Promise.all(
      nodes.map(async (node, i): Promise<[SharedLeases, SharedLease]> => {
        const lease = await node.acquire(id, { slot: slots[i]!, isPrivate: false, known: '' })
        assert.ok(lease)
        return [node, lease]
      }),
    )
  }
  const told = async (id: KeyId): Promise<number | undefined> => (await nodes[0]!.look(id)).failure?.status

  for (const first of [0, 1]) {
    it(`is told by node ${first + 1} only when the other one has failed too`, async () => {
      const id = `${first}`.repeat(64)
      const held = await start(id)
      const [[node, lease], [last, lasting]] = [held[first]!, held[1 - first]!]
      await node.release(lease, failure)
      assert.equal(await told(id), undefined)
      await last.release(lasting, failure)
      assert.equal(await told(id), 403)
    })
  }

  it('is forgotten when the other one has stored the body', async () => {
    const id = 'c'.repeat(64)
    const [a, b] = await start(id)
    const entry = { id, sha256, validatedAt: 1 } as unknown as Entry
    assert.equal(await b![0].publish(b![1], entry, false), true)
    await a![0].release(a![1], failure)
    const standing = await nodes[0]!.look(id)
    assert.equal(standing.entry?.sha256, sha256)
    assert.equal(standing.failure?.status, undefined)
  })
})
