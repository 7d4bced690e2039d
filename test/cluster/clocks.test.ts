/** Nodes of which one has a clock that is an hour ahead, and one a clock that is an hour behind. */
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

/** One cluster serves the tests of both: a start of its nodes costs seconds. */
const NODES = 4
const wrong = [
  ['ahead', 1, HOUR],
  ['behind', 2, -HOUR],
] as const

describeWithRedis('a cluster with nodes whose clocks are wrong', function () {
  this.timeout(60_000)
  let origin: Origin
  let cluster: TestCluster
  const folder = new Sandbox()
  before(async () => {
    origin = await Origin.start()
    cluster = await TestCluster.start({
      nodes: NODES,
      env: (i): Record<string, string> => {
        const [what, , ms] = wrong.find(([, node]) => node === i) ?? []
        if (ms === undefined) return {}
        const file = path.join(folder.root, `${what}.cjs`)
        writeFileSync(file, wrongBy(ms))
        return { NODE_OPTIONS: `--require ${file}` }
      },
    })
    for (const node of cluster.nodes) await until('a node knows every node', () => knowsAll(node, NODES))
  })
  after(async () => {
    await cluster.close()
    await origin.close()
    folder.remove()
  })

  const bodyAt = async (node: Node, url: string, more = ''): Promise<Buffer> =>
    (await get(node.serving.fetchUrl(url, more))).body

  for (const [what, place] of wrong)
    describe(`an hour ${what}`, () => {
      /** Two whose clocks are right, and the one that is meant between them. */
      const chosen = (): [Node, Node, Node] => [cluster.nodes[0]!, cluster.nodes[place]!, cluster.nodes[NODES - 1]!]

      it('downloads a body once, whichever node is asked first, and removes it everywhere', async () => {
        const [right, odd, third] = chosen()
        for (const [i, order] of [
          [right, odd, third],
          [odd, right, third],
        ].entries()) {
          const at = `/once-${what}-${i}`
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
        const [right, odd, third] = chosen()
        const at = `/replaced-${what}`
        const url = origin.url(at)
        const [old, later] = [bytes('old', 20_000), bytes('new', 20_000)]
        origin.serve(at, { body: old, etag: '"old"' })
        for (const node of [odd, right, third]) assert.ok((await bodyAt(node, url)).equals(old))
        origin.serve(at, { body: later, etag: '"new"' })
        await until('the old content is older than a second', async () =>
          (await bodyAt(right, url, '&ttl=1s')).equals(later),
        )
        for (const node of chosen())
          await until('the node has the new content', async () => (await bodyAt(node, url)).equals(later))
      })
    })
})
