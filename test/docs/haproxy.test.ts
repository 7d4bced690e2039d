import assert from 'node:assert/strict'
import { get } from '../server/support/client.js'
import { has, TestCluster, type Node } from '../support/cluster.js'
import { Haproxy } from '../support/haproxy.js'
import { bytes, Origin } from '../support/origin.js'

/** Bytes of an artifact that moves to a new node. */
const SIZE = 20_000

const describeWithHaproxy = has('redis-server') && has('haproxy') ? describe : describe.skip

describeWithHaproxy('docs/proxy/haproxy.cfg', function () {
  this.timeout(60_000)
  let origin: Origin
  let cluster: TestCluster
  let haproxy: Haproxy
  before(async () => {
    origin = await Origin.start()
    cluster = await TestCluster.start()
    haproxy = await Haproxy.start(cluster)
  })
  after(async () => {
    await haproxy.close()
    await cluster.close()
    await origin.close()
  })

  const fetchThrough = (url: string) => get(haproxy.fetchUrl(url))

  it('sends every signature of one artifact to the same node', async () => {
    const artifacts = Array.from({ length: 12 }, (_, i) => `/signed/${i}`)
    for (const name of artifacts) origin.serve(name, { body: bytes(name, 1_000), etag: `"${name}"` })
    for (const name of artifacts)
      for (const signature of ['a', 'b']) {
        const answer = await fetchThrough(origin.url(`${name}?X-Amz-Signature=${signature}`))
        assert.ok(answer.body.equals(bytes(name, 1_000)))
      }
    for (const node of cluster.nodes) assert.equal(await filled(node), 0)
    const whole = origin.requests.filter(
      ({ method, path: asked, sent }) => method === 'GET' && asked.includes('/signed/') && sent > 1,
    )
    assert.equal(whole.length, artifacts.length)
  })

  it('fills a new, empty node from the other nodes, without a request to the origin', async () => {
    const artifacts = Array.from({ length: 30 }, (_, i) => `/moved/${i}`)
    for (const name of artifacts) origin.serve(name, { body: bytes(name, SIZE), etag: `"${name}"` })
    for (const name of artifacts) assert.equal((await fetchThrough(origin.url(name))).status, 200)
    const added = await cluster.add(3)
    const asked = origin.requests.length
    const further = await Haproxy.start(cluster)
    try {
      for (const name of artifacts) {
        const answer = await get(further.fetchUrl(origin.url(name)))
        assert.ok(answer.body.equals(bytes(name, SIZE)))
      }
      assert.equal(origin.requests.length, asked)
      const own = (await filled(added)) / SIZE
      assert.ok(own >= 1 && own < artifacts.length, `the new node has about ${own} of ${artifacts.length} artifacts`)
    } finally {
      await further.close()
      await cluster.kill(added)
      cluster.nodes.pop()
      added.sandbox.remove()
    }
  })

  it('asks the next node where one has died, and clients see no failure', async () => {
    const artifacts = Array.from({ length: 12 }, (_, i) => `/redispatched/${i}`)
    for (const name of artifacts) origin.serve(name, { body: bytes(name, 1_000), etag: `"${name}"` })
    await cluster.kill(cluster.nodes[1]!)
    for (const name of artifacts) {
      const answer = await fetchThrough(origin.url(name))
      assert.equal(answer.status, 200)
      assert.ok(answer.body.equals(bytes(name, 1_000)))
    }
    await cluster.restart(cluster.nodes[1]!)
  })
})

/** Bytes of a node from other nodes. */
async function filled(node: Node): Promise<number> {
  const { text } = await get(`${node.serving.url}metrics`)
  return Number(/^kiss_peer_bytes_total\{.*filled.*\} (\d+)/m.exec(text)?.[1])
}
