/** The leases of two nodes in a real Redis. */
import assert from 'node:assert/strict'
import { SharedLeases, type SharedLease } from '#kiss/cluster/leases.js'
import { ClockDifference } from '#kiss/cluster/time.js'
import { Redis, Script } from '#kiss/cluster/redis.js'
import type { Slot } from '#kiss/cluster/holder.js'
import type { Entry, KeyId } from '#kiss/store/types.js'
import { RedisServer } from '../support/cluster.js'
import { describeWithRedis } from '../support/cluster-lab.js'

/** The clock of Redis is an hour behind the one that an entry has its generation from. */
const AN_HOUR_BACK = new Script(`
  local generation, rest = string.match(redis.call('GET', KEYS[1]), '^(%d+)(.*)$')
  redis.call('SET', KEYS[1], string.format('%.0f', tonumber(generation) + 3600000000) .. rest)`)

describeWithRedis('the leases of two nodes', () => {
  let server: RedisServer
  let redis: Redis
  const nodes: SharedLeases[] = []
  before(async () => {
    server = await RedisServer.start()
    redis = await Redis.open({ url: server.url, warn: () => undefined })
    for (const instance of ['a', 'b']) {
      nodes.push(
        new SharedLeases({ redis, prefix: 'test:', instance, url: `http://${instance}/`, time: new ClockDifference() }),
      )
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
    it(`share the failure of node ${first + 1} only when the other one has failed too`, async () => {
      const id = `${first}`.repeat(64)
      const held = await start(id)
      const [[node, lease], [last, lasting]] = [held[first]!, held[1 - first]!]
      await node.release(lease, failure)
      assert.equal(await told(id), undefined)
      await last.release(lasting, failure)
      assert.equal(await told(id), 403)
    })
  }

  it('forget the failure of one when the other one has stored the body', async () => {
    const id = 'c'.repeat(64)
    const [a, b] = await start(id)
    const entry = { id, sha256, validatedAt: 1 } as unknown as Entry
    assert.equal(await b![0].publish(b![1], entry, false), true)
    await a![0].release(a![1], failure)
    const standing = await nodes[0]!.look(id)
    assert.equal(standing.entry?.sha256, sha256)
    assert.equal(standing.failure?.status, undefined)
  })

  it('publish new content after the clock of Redis was set back', async () => {
    const id = 'd'.repeat(64)
    const publish = async (node: SharedLeases, sum: string): Promise<boolean> => {
      const { generation } = await node.look(id)
      const lease = await node.acquire(id, { slot: 'lease', isPrivate: false, known: generation })
      assert.ok(lease)
      return node.publish(lease, { id, sha256: sum, validatedAt: 1 } as unknown as Entry, false)
    }
    assert.equal(await publish(nodes[0]!, sha256), true)
    await redis.run(AN_HOUR_BACK, [`test:entry:{${id}}`], [])
    assert.equal(await publish(nodes[1]!, 'b'.repeat(64)), true)
    assert.equal((await nodes[0]!.look(id)).entry?.sha256, 'b'.repeat(64))
  })
})
