/** One cluster that many tests share: nodes, Redis, HAProxy and an origin. */
import { get } from '../server/support/client.js'
import { has, TestCluster, type ClusterSettings, type Node } from './cluster.js'
import { Haproxy } from './haproxy.js'
import { Origin } from './origin.js'
import { until } from './until.js'

/** With KISS_TEST_RATIO=1 the limits of the bytes are those of a quiet machine, the sizes are larger, and ratios are printed. */
export const isStrict = process.env['KISS_TEST_RATIO'] !== undefined

export const describeWithRedis = has('redis-server') ? describe : describe.skip
export const describeWithHaproxy = has('redis-server') && has('haproxy') ? describe : describe.skip

export class ClusterLab {
  #parts: { readonly origin: Origin; readonly cluster: TestCluster; readonly haproxy: Haproxy } | undefined

  /** Call in a `describe`. After each test every node runs, and all nodes and Redis know each other. */
  static forTests(settings: () => ClusterSettings): ClusterLab {
    const lab = new ClusterLab()
    before(() => lab.#start(settings()))
    afterEach(() => lab.heal())
    after(() => lab.#close())
    return lab
  }

  get origin(): Origin {
    return this.#started.origin
  }

  get cluster(): TestCluster {
    return this.#started.cluster
  }

  /** Before the nodes that the cluster had at its start. */
  get haproxy(): Haproxy {
    return this.#started.haproxy
  }

  /** Brings back the nodes that a test killed or stopped, and waits until each one knows Redis and all nodes. */
  async heal(): Promise<void> {
    const { cluster } = this
    for (const node of cluster.nodes) {
      const { signalCode, exitCode } = node.serving.running.child
      if (signalCode !== null || exitCode !== null) await cluster.restart(node)
      else cluster.thaw(node)
    }
    cluster.redis.thaw()
    for (const [i, node] of cluster.nodes.entries()) {
      await until(`node ${i + 1} knows Redis and every node`, () => knowsAll(node, cluster.nodes.length))
    }
  }

  /** Keys in Redis with this in their names. */
  async keys(part: string): Promise<string[]> {
    const listed = await this.cluster.redis.command(`KEYS kiss:1:*:${part}*`)
    return listed.split('\r\n').filter((line) => line.includes(part))
  }

  get #started() {
    if (this.#parts === undefined) throw new Error('the cluster starts before the first test')
    return this.#parts
  }

  async #start(settings: ClusterSettings): Promise<void> {
    const origin = await Origin.start()
    const cluster = await TestCluster.start(settings)
    this.#parts = { origin, cluster, haproxy: await Haproxy.start(cluster) }
  }

  async #close(): Promise<void> {
    const { origin, cluster, haproxy } = this.#started
    await haproxy.close()
    await cluster.close()
    await origin.close()
  }
}

/** Does the node know Redis and this number of nodes, itself included? */
export async function knowsAll(node: Node, nodes: number): Promise<boolean> {
  const { text } = await get(`${node.serving.url}metrics`)
  return /^kiss_cluster_redis_up 1/m.test(text) && text.includes(`kiss_cluster_nodes{state="serving"} ${nodes}\n`)
}
