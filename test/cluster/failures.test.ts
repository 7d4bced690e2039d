/** Nodes and Redis die, freeze and come back while clients read. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { open, readAll } from '../server/support/client.js'
import { has, TestCluster, type Node } from '../support/cluster.js'
import { Origin, bytes } from '../support/origin.js'
import { until } from '../support/until.js'

const SIZE = 3_000_000

const describeWithRedis = has('redis-server') ? describe : describe.skip

describeWithRedis('a cluster whose parts fail', function () {
  this.timeout(60_000)
  let origin: Origin
  let cluster: TestCluster
  let n = 0
  beforeEach(async () => {
    origin = await Origin.start()
    cluster = await TestCluster.start()
  })
  afterEach(async () => {
    await cluster.close()
    await origin.close()
  })

  /** A slow artifact: three seconds long. */
  const artifact = (more: object = {}) => {
    const path = `/slow/${++n}`
    const body = bytes(path, SIZE)
    origin.script(path, [{ body, etag: `"${path}"`, throttle: 1_000_000, ...more }])
    const downloaded = (): number => origin.log(path).reduce((sum, { sent }) => sum + sent, 0)
    return { path, body, url: origin.url(path), downloaded }
  }
  const first = (node: Node, url: string) => open(node.serving.fetchUrl(url))
  const halfway = (downloaded: () => number) => until('half of it is downloaded', () => downloaded() > SIZE / 2)

  it('goes on from the byte where it stands when the node that downloads is killed', async () => {
    const { url, body, downloaded } = artifact()
    const [a, b, c] = cluster.nodes as [Node, Node, Node]
    const killed = readAll(await first(a, url))
    const others = await Promise.all([b, c, b, c].map((node) => first(node, url)))
    const read = others.map(readAll)
    await halfway(downloaded)
    await cluster.kill(a)
    for (const answer of await Promise.all(read)) {
      assert.equal(answer.complete, true)
      assert.ok(answer.body.equals(body))
    }
    assert.equal((await killed).complete, false)
    // What lay in the buffers of sockets when the node died is asked for again: with a large body that is little.
    assert.equal(origin.log(new URL(url).pathname).length, 2)
    assert.ok(downloaded() < 1.5 * SIZE, `${downloaded()} bytes of ${SIZE}`)
  })

  it('takes over from a frozen node when its lease has ended, and the thawed node reads on from there', async () => {
    const { url, body, downloaded } = artifact()
    const [a, b, c] = cluster.nodes as [Node, Node, Node]
    const leading = await first(a, url)
    const answers = [leading, ...(await Promise.all([b, c].map((node) => first(node, url))))]
    const read = answers.map(readAll)
    await until('a part of it is downloaded', () => downloaded() > SIZE / 6)
    a.serving.running.child.kill('SIGSTOP')
    await sleep(8_000)
    a.serving.running.child.kill('SIGCONT')
    for (const answer of await Promise.all(read)) {
      assert.equal(answer.complete, true)
      assert.ok(answer.body.equals(body))
    }
    assert.equal(origin.log(new URL(url).pathname).length, 2)
  })

  it('goes on without a failure when Redis is killed in the middle of a download', async () => {
    const { url, body } = artifact()
    const hit = artifact({ throttle: undefined })
    for (const node of cluster.nodes) await node.serving.fetch(hit.url)
    const answers = await Promise.all(cluster.nodes.map((node) => first(node, url)))
    const read = answers.map(readAll)
    await cluster.redis.kill()
    const began = performance.now()
    const miss = artifact({ throttle: undefined })
    const missed = await cluster.nodes[0]!.serving.fetch(miss.url)
    assert.ok(missed.body.equals(miss.body))
    assert.ok(performance.now() - began < 5_000)
    for (const node of cluster.nodes) assert.ok((await node.serving.fetch(hit.url)).body.equals(hit.body))
    for (const answer of await Promise.all(read)) assert.ok(answer.body.equals(body))
    assert.equal(origin.log(new URL(url).pathname).length, 1)
    await cluster.redis.start()
    const later = artifact({ throttle: undefined })
    await until('a node is back', async () => (await cluster.redis.command('KEYS *')).includes('node:'))
    await sleep(3_000)
    const all = await Promise.all(cluster.nodes.map((node) => node.serving.fetch(later.url)))
    for (const answer of all) assert.ok(answer.body.equals(later.body))
    assert.equal(origin.log(new URL(later.url).pathname).length, 1)
  })

  it('goes on without a failure when Redis freezes', async () => {
    const { url, body } = artifact()
    const answers = await Promise.all(cluster.nodes.map((node) => first(node, url)))
    const read = answers.map(readAll)
    cluster.redis.freeze()
    const miss = artifact({ throttle: undefined })
    const missed = await cluster.nodes[0]!.serving.fetch(miss.url)
    assert.ok(missed.body.equals(miss.body))
    for (const answer of await Promise.all(read)) assert.ok(answer.body.equals(body))
    assert.equal(origin.log(new URL(url).pathname).length, 1)
  })
})
