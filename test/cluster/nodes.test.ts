/** The table of nodes in a real Redis. */
import assert from 'node:assert/strict'
import { Nodes, type NodeFacts } from '#kiss/cluster/nodes.js'
import { Redis } from '#kiss/cluster/redis.js'
import { totalsOf } from '#kiss/engine/totals.js'
import { emptyStatus } from '../server/support/stub-engine.js'
import { RedisServer } from '../support/cluster.js'
import { describeWithRedis } from '../support/cluster-lab.js'

describeWithRedis('the table of the nodes of a cluster', () => {
  let server: RedisServer
  let redis: Redis
  before(async () => {
    server = await RedisServer.start()
    redis = await Redis.open({ url: server.url, warn: () => undefined })
  })
  after(async () => {
    redis.close()
    await server.close()
  })

  const joined = async (prefix: string, instance: string, url = `http://${instance}/`): Promise<Nodes> => {
    const facts: NodeFacts = {
      url,
      version: '1',
      draining: false,
      totals: totalsOf(emptyStatus),
    }
    const nodes = new Nodes({ redis, prefix, instance, facts: () => Promise.resolve(facts) })
    await nodes.beat()
    return nodes
  }
  const others = (nodes: Nodes): readonly string[] => nodes.addresses()

  it('forgets a node that has left between two reports of another one', async () => {
    const [leaving, staying] = [await joined('left:', 'b'), await joined('left:', 'a')]
    assert.deepEqual(others(staying), ['http://b/'])
    await leaving.close(true)
    await staying.beat()
    assert.deepEqual(others(staying), [])
    const again = await joined('left:', 'b')
    await staying.beat()
    assert.deepEqual(others(staying), ['http://b/'])
    await Promise.all([again.close(false), staying.close(false)])
  })

  it('remembers a node of which one process ended without a drain, because another one may still run', async () => {
    const [running, staying] = [await joined('process:', 'b'), await joined('process:', 'a')]
    const ended = await joined('process:', 'b')
    await ended.close(false)
    await staying.beat()
    assert.deepEqual(others(staying), ['http://b/'])
    await Promise.all([running.close(false), staying.close(false)])
  })

  it('asks a node once whose cache directory was replaced, which gave it another instance', async () => {
    const [before, staying] = [await joined('replaced:', 'b'), await joined('replaced:', 'a')]
    const after = await joined('replaced:', 'c', 'http://b/')
    await staying.beat()
    assert.equal(staying.all().length, 2)
    assert.deepEqual(others(staying), ['http://b/'])
    await Promise.all([before, after, staying].map((nodes) => nodes.close(false)))
  })

  it('remembers a node that is missing because Redis was emptied', async () => {
    const [missing, staying] = [await joined('emptied:', 'b'), await joined('emptied:', 'a')]
    await server.command('FLUSHALL')
    await staying.beat()
    assert.deepEqual(others(staying), ['http://b/'])
    assert.equal(staying.others().length, 0)
    await Promise.all([missing.close(false), staying.close(false)])
  })
})
