/** Three nodes, one of which has a clock that is wrong by an hour. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { get } from '../server/support/client.js'
import { ADMIN, TestCluster, type Node } from '../support/cluster.js'
import { describeWithRedis, knowsAll } from '../support/cluster-lab.js'
import { bytes, Origin } from '../support/origin.js'
import { Sandbox } from '../support/cli.js'
import { until } from '../support/until.js'

const HOUR = 3_600_000

/** Loaded before the program: a wall clock that differs from that of the machine. */
const wrongBy = (ms: number): string => `
  const Right = Date
  globalThis.Date = class extends Right {
    constructor(...given) { super(...(given.length === 0 ? [Right.now() + ${ms}] : given)) }
    static now() { return Right.now() + ${ms} }
  }`

for (const [what, ms] of [
  ['ahead', HOUR],
  ['behind', -HOUR],
] as const)
  describeWithRedis(`a cluster with a node whose clock is an hour ${what}`, function () {
    this.timeout(60_000)
    let origin: Origin
    let cluster: TestCluster
    let nodes: readonly [Node, Node, Node]
    const folder = new Sandbox()
    before(async () => {
      const file = path.join(folder.root, 'clock.cjs')
      writeFileSync(file, wrongBy(ms))
      origin = await Origin.start()
      cluster = await TestCluster.start({
        env: (i): Record<string, string> => (i === 1 ? { NODE_OPTIONS: `--require ${file}` } : {}),
      })
      nodes = cluster.nodes as [Node, Node, Node]
      for (const node of nodes) await until('a node knows every node', () => knowsAll(node, 3))
    })
    after(async () => {
      await cluster.close()
      await origin.close()
      folder.remove()
    })

    const bodyAt = async (node: Node, url: string, more = ''): Promise<Buffer> =>
      (await get(node.serving.fetchUrl(url, more))).body

    it('downloads a body once, whichever node is asked first, and removes it everywhere', async () => {
      const [right, wrong, third] = nodes
      for (const [i, order] of [
        [right, wrong, third],
        [wrong, right, third],
      ].entries()) {
        const at = `/once-${i}`
        const url = origin.url(at)
        const [old, later] = [bytes('old', 20_000), bytes('new', 20_000)]
        origin.serve(at, { body: old, etag: '"old"' })
        for (const node of [...order, ...order]) assert.ok((await bodyAt(node, url)).equals(old))
        assert.equal(origin.log(at).length, 1)
        const { text } = await get(third.serving.fetchUrl(url), {
          method: 'DELETE',
          headers: { 'X-Kiss-Token': ADMIN },
        })
        assert.equal((JSON.parse(text) as { removed: number }).removed, 3)
        origin.serve(at, { body: later, etag: '"new"' })
        for (const node of order) assert.ok((await bodyAt(node, url)).equals(later))
      }
    })

    it('drops old content when another node has found new content', async () => {
      const [right, wrong, third] = nodes
      const url = origin.url('/replaced')
      const [old, later] = [bytes('old', 20_000), bytes('new', 20_000)]
      origin.serve('/replaced', { body: old, etag: '"old"' })
      for (const node of [wrong, right, third]) assert.ok((await bodyAt(node, url)).equals(old))
      origin.serve('/replaced', { body: later, etag: '"new"' })
      await until('the old content is older than a second', async () =>
        (await bodyAt(right, url, '&ttl=1s')).equals(later),
      )
      for (const node of nodes)
        await until('the node has the new content', async () => (await bodyAt(node, url)).equals(later))
    })
  })
