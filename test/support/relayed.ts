/** A cluster whose nodes reach each other through relays. */
import { TestCluster, type ClusterSettings } from './cluster.js'
import { Relay } from './relay.js'

export class RelayedCluster {
  private constructor(
    readonly cluster: TestCluster,
    /** From the first node to Redis. The other nodes reach Redis directly. */
    readonly toRedis: Relay,
    /** From all other nodes to each node. */
    readonly toNodes: readonly Relay[],
  ) {}

  /** @param isCut the first node reaches Redis through a relay too */
  static async start({ isCut, ...settings }: ClusterSettings & { readonly isCut: boolean }): Promise<RelayedCluster> {
    const cluster = await TestCluster.start({ nodes: 0 })
    const nodes = [2, 3, 4]
    const { redis, port } = cluster
    const toRedis = await Relay.start({ host: '127.0.0.1', port: redis.port })
    const toNodes = await Promise.all(nodes.map((host) => Relay.start({ host: `127.0.0.${host}`, port })))
    const urls = {
      redisUrl: (i: number) => (i === 0 && isCut ? `redis://127.0.0.1:${toRedis.port}` : redis.url),
      nodeUrl: (i: number) => `http://127.0.0.1:${toNodes[i]!.port}`,
    }
    await Promise.all(nodes.map((_, i) => cluster.add(i, { ...settings, ...urls })))
    return new RelayedCluster(cluster, toRedis, toNodes)
  }

  /** Cuts the first node off. */
  cut(from: { readonly redis: boolean; readonly nodes: boolean }): void {
    const { pid } = this.cluster.nodes[0]!.serving.running.child
    if (from.redis) this.toRedis.cut()
    if (from.nodes) this.toNodes.forEach((relay, i) => relay.cut(i === 0 ? undefined : pid))
  }

  heal(): void {
    for (const relay of this.#relays) relay.heal()
  }

  /** Every byte that went over the network of the cluster. */
  get carried(): Buffer {
    return Buffer.concat(this.#relays.map(({ carried }) => carried))
  }

  async close(): Promise<void> {
    await this.cluster.close()
    await Promise.all(this.#relays.map((relay) => relay.close()))
  }

  get #relays(): readonly Relay[] {
    return [this.toRedis, ...this.toNodes]
  }
}
