/** A node is cut off from Redis, from the other nodes, or from both, and comes back. */
import assert from 'node:assert/strict'
import { get, open, readAll, type Answer } from '../server/support/client.js'
import { ADMIN, type Node, type TestCluster } from '../support/cluster.js'
import { describeWithRedis, knowsAll } from '../support/cluster-lab.js'
import { Origin, bytes } from '../support/origin.js'
import { RelayedCluster } from '../support/relayed.js'
import { until } from '../support/until.js'

/** Bytes of most artifacts, and of one that is downloaded for seven seconds. */
const SIZE = 100_000
const LARGE = 600_000

describeWithRedis('a node that is cut off', function () {
  this.timeout(120_000)
  let origin: Origin
  let relayed: RelayedCluster
  let cluster: TestCluster
  let n = 0
  before(async () => {
    origin = await Origin.start()
    relayed = await RelayedCluster.start({ isCut: true })
    cluster = relayed.cluster
  })
  afterEach(() => relayed.heal())
  after(async () => {
    await relayed.close()
    await origin.close()
  })

  const artifact = (size = SIZE, more: object = {}) => {
    const path = `/cut-off/${++n}`
    const body = bytes(path, size)
    const served = { body, etag: `"${path}"` }
    origin.script(path, [{ ...served, ...more }, served])
    return { path, body, url: origin.url(path), requests: () => origin.log(path).length }
  }
  const ask = async (url: string, headers = {}): Promise<Answer[]> => {
    const opened = await Promise.all(cluster.nodes.map((node) => open(node.serving.fetchUrl(url), { headers })))
    return Promise.all(opened.map(readAll))
  }
  const assertRight = (answers: readonly Answer[], body: Buffer): void => {
    for (const answer of answers) {
      assert.equal(answer.status, 200, answer.text.slice(0, 200))
      assert.equal(answer.complete, true)
      assert.ok(answer.body.equals(body))
    }
  }
  const described = (path: string): string =>
    origin
      .log(path)
      .map(({ headers, sent }) => `${headers['via']} ${headers.range ?? 'all'}: ${sent} bytes`)
      .join('\n')
  const known = (node: Node): Promise<boolean> => knowsAll(node, 3)

  for (const from of ['Redis', 'the other nodes', 'both']) {
    it(`from ${from} sends no wrong byte, downloads once on each side, and heals by itself`, async () => {
      const [first, second] = cluster.nodes as [Node, Node]
      await Promise.all(
        cluster.nodes.map((node, i) => until(`node ${i + 1} knows Redis and every node`, () => known(node))),
      )
      const purged = artifact()
      const old = purged.body
      for (let i = 0; i < 2; i++) assertRight(await ask(purged.url), old)

      // The first node downloads it for all.
      const growing = artifact(LARGE, { throttle: 80_000 })
      const leading = open(first.serving.fetchUrl(growing.url)).then(readAll)
      await origin.requested(growing.path)
      const reading = ask(growing.url)
      await until('a part of it is downloaded', () => (origin.log(growing.path)[0]?.sent ?? 0) > LARGE / 10)
      relayed.cut({ redis: from !== 'the other nodes', nodes: from !== 'Redis' })
      const asked = { method: 'DELETE', headers: { 'X-Kiss-Token': ADMIN } }
      const purging = get(second.serving.fetchUrl(purged.url), asked)
      const missed = artifact()
      const answers = await Promise.all([ask(missed.url), ask(missed.url)])
      assertRight(answers.flat(), missed.body)
      assert.ok(missed.requests() <= 2, described(missed.path))
      assertRight([await leading, ...(await reading)], growing.body)
      assert.ok(growing.requests() <= 2, described(growing.path))

      const newer = bytes('newer', SIZE)
      assert.equal((await purging).status, 200)
      origin.serve(purged.path, { body: newer, etag: '"newer"' })
      relayed.heal()
      await until('the first node knows Redis and every node', () => known(first))
      assertRight([await first.serving.fetch(purged.url)], newer)
      await until('an artifact is downloaded once for all nodes', async () => {
        const later = artifact()
        assertRight((await Promise.all([ask(later.url), ask(later.url)])).flat(), later.body)
        return later.requests() === 1
      })
    })
  }
})
