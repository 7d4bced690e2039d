/** A node misses a purge while it is frozen, and obeys it before its first answer. */
import assert from 'node:assert/strict'
import { get } from '../server/support/client.js'
import { ADMIN, has, TestCluster, type Node } from '../support/cluster.js'
import { Origin, bytes } from '../support/origin.js'

const describeWithRedis = has('redis-server') ? describe : describe.skip

describeWithRedis('a node that was away during a purge', function () {
  this.timeout(60_000)
  let origin: Origin
  let cluster: TestCluster
  before(async () => {
    origin = await Origin.start()
    cluster = await TestCluster.start()
  })
  afterEach(() => {
    for (const node of cluster.nodes) cluster.thaw(node)
  })
  after(async () => {
    await cluster.close()
    await origin.close()
  })

  /** Every node has the old content in memory, and the origin has new content after the purge. */
  const purgeWithout = async (path: string, isAway: Node, meanwhile = async (): Promise<unknown> => undefined) => {
    const url = origin.url(path)
    origin.serve(path, { body: bytes('old', 10_000), etag: '"old"' })
    for (const node of [...cluster.nodes, ...cluster.nodes]) await node.serving.fetch(url)
    cluster.freeze(isAway)
    const asked = { method: 'DELETE', headers: { 'X-Kiss-Token': ADMIN } }
    const { text } = await get(cluster.nodes[0]!.serving.fetchUrl(url), asked)
    assert.deepEqual((JSON.parse(text) as { unreached: string[] }).unreached, [
      `http://${isAway.host}:${cluster.port}/`,
    ])
    origin.serve(path, { body: bytes('new', 10_000), etag: '"new"' })
    await meanwhile()
    return url
  }
  const assertNew = async (url: string, node: Node): Promise<void> => {
    const { body } = await node.serving.fetch(url)
    assert.ok(body.equals(bytes('new', 10_000)), 'the old content')
  }

  it('obeys before its first answer when it was frozen', async () => {
    const third = cluster.nodes[2]!
    const url = await purgeWithout('/frozen', third)
    const answers = Array.from({ length: 10 }, () => assertNew(url, third))
    cluster.thaw(third)
    await Promise.all(answers)
    await assertNew(url, cluster.nodes[1]!)
  })

  it('obeys before its first answer when Redis was emptied while it was frozen', async () => {
    const third = cluster.nodes[2]!
    const url = await purgeWithout('/emptied', third, () => cluster.redis.command('FLUSHALL'))
    const answers = Array.from({ length: 10 }, () => assertNew(url, third))
    cluster.thaw(third)
    await Promise.all(answers)
  })
})
