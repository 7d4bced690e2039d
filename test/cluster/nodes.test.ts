/** The table of nodes in a real Redis. */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { Nodes, type NodeFacts } from '#kiss/cluster/nodes.js'
import { ClockDifference } from '#kiss/cluster/time.js'
import { Redis } from '#kiss/cluster/redis.js'
import { totalsOf } from '#kiss/engine/totals.js'
import { emptyStatus } from '../server/support/stub-engine.js'
import { RedisServer } from '../support/cluster.js'
import { describeWithRedis } from '../support/cluster-lab.js'
import { until } from '../support/until.js'

describeWithRedis('the table of the nodes of a cluster', () => {
  let server: RedisServer
  let redis: Redis
  const warnings: string[] = []
  before(async () => {
    server = await RedisServer.start()
    redis = await Redis.open({ url: server.url, warn: () => undefined })
  })
  after(async () => {
    redis.close()
    await server.close()
  })

  /** @param once it reports no second time */
  const joined = async (
    prefix: string,
    instance: string,
    { url = `http://${instance}/`, once = false } = {},
  ): Promise<Nodes> => {
    let reports = 0
    const facts: NodeFacts = {
      url,
      version: '1',
      draining: false,
      totals: totalsOf(emptyStatus),
    }
    const nodes = new Nodes({
      redis,
      prefix,
      instance,
      facts: () => (reports++ > 0 && once ? new Promise(() => undefined) : Promise.resolve(facts)),
      time: new ClockDifference(),
      now: Date.now,
      warn: (line) => warnings.push(line),
    })
    await nodes.beat()
    return nodes
  }
  const others = (nodes: Nodes): readonly string[] => nodes.addresses()
  /** Redis does not answer in time while the machine pauses: then the next report shows it. */
  const sees = (nodes: Nodes, urls: readonly string[], act = (): Promise<unknown> => Promise.resolve()) =>
    until(`a node sees [${urls.join()}]`, async () => {
      await act()
      await nodes.beat()
      return isDeepStrictEqual(others(nodes), urls)
    })

  it('forgets a node that has left between two reports of another one', async () => {
    const [leaving, staying] = [await joined('left:', 'b'), await joined('left:', 'a')]
    await sees(staying, ['http://b/'])
    await sees(staying, [], () => leaving.close(true))
    const again = await joined('left:', 'b')
    await sees(staying, ['http://b/'])
    await Promise.all([again.close(false), staying.close(false)])
  })

  it('remembers a node of which one process ended without a drain, because another one may still run', async () => {
    const [running, staying] = [await joined('process:', 'b'), await joined('process:', 'a')]
    const ended = await joined('process:', 'b')
    await sees(staying, ['http://b/'])
    await ended.close(false)
    await sees(staying, ['http://b/'])
    await Promise.all([running.close(false), staying.close(false)])
  })

  it('asks a node once whose cache directory was replaced, which gave it another instance', async () => {
    const [before, staying] = [await joined('replaced:', 'b'), await joined('replaced:', 'a')]
    const after = await joined('replaced:', 'c', { url: 'http://b/' })
    await sees(staying, ['http://b/'], async () => {
      await until('it knows both instances', async () => {
        await staying.beat()
        return staying.all().length === 2
      })
    })
    await Promise.all([before, after, staying].map((nodes) => nodes.close(false)))
  })

  it('says once that the cache directory of a node is a copy of another one, and nothing after a restart', async () => {
    const before = await joined('copied:', 'b')
    await before.close(true)
    const restarted = await joined('copied:', 'b', { url: 'http://c/' })
    await restarted.beat()
    assert.deepEqual(warnings, [])
    const copy = await joined('copied:', 'b', { url: 'http://d/' })
    await until('the first of them reports', async () => {
      await copy.beat()
      await restarted.beat()
      return warnings.length > 0
    })
    assert.match(warnings.join(), /the node http:\/\/[cd]\/ has the same id/)
    await Promise.all([copy.close(false), restarted.close(false)])
  })

  it('remembers a node that is missing because Redis was emptied', async () => {
    await joined('emptied:', 'b', { once: true })
    const staying = await joined('emptied:', 'a')
    await sees(staying, ['http://b/'])
    await server.command('FLUSHALL')
    await until('the node is missing', async () => {
      await staying.beat()
      return staying.others().length === 0
    })
    assert.deepEqual(others(staying), ['http://b/'])
    await staying.close(false)
  })
})
