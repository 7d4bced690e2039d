import assert from 'node:assert/strict'
import { get } from '../server/support/client.js'
import { has, TestCluster } from '../support/cluster.js'
import { Haproxy } from '../support/haproxy.js'
import { bytes, Origin } from '../support/origin.js'

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
    for (const { serving } of cluster.nodes) {
      const { counters } = (await serving.status()) as unknown as { counters: Record<string, number> }
      assert.equal(counters['filled'], 0)
    }
    const whole = origin.requests.filter(
      ({ method, path: asked, sent }) => method === 'GET' && asked.includes('/signed/') && sent > 1,
    )
    assert.equal(whole.length, artifacts.length)
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
