/**
 * The chaos run over a cluster: nodes behind HAProxy are killed and stopped, Redis is killed, stopped and emptied, entries are
 * purged, contents change, and the origin fails, while readers check every byte.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { get } from '../server/support/client.js'
import { Random } from '../server/support/random.js'
import { ADMIN, TestCluster, type Node } from '../support/cluster.js'
import { Haproxy } from '../support/haproxy.js'
import { childrenOf, descriptorsOf } from '../support/processes.js'
import { ChaosArtifact } from './artifacts.js'
import { Necessity } from './necessity.js'
import { ChaosOrigin } from './origin.js'
import { plainly, read } from './reader.js'
import type { ClusterReport } from './report.js'
import { Tally } from './tally.js'

export interface ClusterChaosOptions {
  readonly seed: number
  readonly requests: number
  /** An empty directory. */
  readonly root: string
  readonly artifacts?: number
  readonly readers?: number
  readonly workers?: number
  readonly say?: (line: string) => void
}

const NODES = 3
/** Milliseconds. */
const BETWEEN_NODE_TROUBLES = 3_000
const BETWEEN_REDIS_TROUBLES = 5_000
const BETWEEN_PURGES = 400
const BETWEEN_CHANGES = 600
/** Milliseconds, at most: of a node, which has lost its leases after six seconds, and of Redis. */
const LONGEST_FREEZE = 9_000
const LONGEST_REDIS_FREEZE = 4_000
/** Milliseconds, at most, until what was killed is started again. */
const LONGEST_ABSENCE = 3_000
/** Milliseconds, at most, between two requests of one reader. */
const THINKING = 600
/** Milliseconds until a client whose connection was refused asks again. */
const REFUSED = 1_000
/** Share of requests to the origin that meet a fault. */
const FAULTS = 0.25
/** One request of so many goes to a node of its choice, past HAProxy. */
const DIRECT = 4
/** Milliseconds: what failed is remembered for ten seconds, and what is stale may be served for five. */
const CALM = 11_000

export async function runClusterChaos(options: ClusterChaosOptions): Promise<ClusterReport> {
  const { seed, root, say = () => undefined } = options
  const random = new Random(seed)
  const artifacts = Array.from({ length: options.artifacts ?? 30 }, (_, i) => new ChaosArtifact(i, random))
  const origin = new ChaosOrigin(artifacts, new Random(seed + 1))
  origin.rate = FAULTS
  await origin.start()
  const total = artifacts.reduce((sum, { current }) => sum + current.body.length, 0)
  mkdirSync(root, { recursive: true })
  const witness = path.join(root, 'witness')
  writeFileSync(witness, '')
  const cluster = await TestCluster.start({
    nodes: NODES,
    workers: options.workers ?? 2,
    flags: [
      ...['--quota', String(Math.floor(total * 0.75)), '--default-ttl', '5s', '--stale-if-error', '5s'],
      ...['--stall-timeout', '1s', '--retry-for', '30s', '--max-downloads-per-host', '96', '--max-downloads', '192'],
      ...['--log-level', 'warn'],
    ],
    env: (i) => ({
      NODE_OPTIONS: `--import=${fileURLToPath(new URL('witness.js', import.meta.url))}`,
      CHAOS_WITNESS: witness,
      CHAOS_NODE: String(i),
    }),
  })
  const haproxy = await Haproxy.start(cluster)
  const run = new ClusterRun(options, { random, artifacts, origin, cluster, haproxy, witness })
  try {
    say(`seed ${seed}: ${artifacts.length} artifacts of ${total} bytes in all`)
    await run.go(say)
    return await run.conclude()
  } finally {
    await haproxy.close()
    await cluster.close()
    await origin.close()
  }
}

interface Parts {
  readonly random: Random
  readonly artifacts: readonly ChaosArtifact[]
  readonly origin: ChaosOrigin
  readonly cluster: TestCluster
  readonly haproxy: Haproxy
  readonly witness: string
}

class ClusterRun {
  readonly #o: ClusterChaosOptions
  readonly #p: Parts
  readonly #tally = new Tally()
  readonly #troubles: Record<string, number> = {}
  readonly #startedAt = Date.now()
  #begun = 0
  #purges = 0
  #over = false
  /** How often Redis was lost: what was purged before may have to be validated only. */
  #losses = 0

  constructor(options: ClusterChaosOptions, parts: Parts) {
    this.#o = options
    this.#p = parts
  }

  async go(say: (line: string) => void): Promise<void> {
    const { random, artifacts, cluster } = this.#p
    const tell = setInterval(() => say(`${this.#begun} requests ${JSON.stringify(this.#tally.outcomes)}`), 5_000)
    const troubles = [
      this.#every(BETWEEN_NODE_TROUBLES, () => this.#troubleNode(random.pick(cluster.nodes))),
      this.#every(BETWEEN_REDIS_TROUBLES, () => this.#troubleRedis()),
      // A purge waits for a node that stands still.
      ...[1, 2, 3].map(() => this.#every(3 * BETWEEN_PURGES, () => this.#purge(random.pick(artifacts)))),
      this.#every(BETWEEN_CHANGES, () => random.pick(artifacts).change(random)),
    ]
    const readers = Array.from({ length: this.#o.readers ?? 50 }, (_, i) =>
      this.#readOn(new Random(this.#o.seed * 1000 + i)),
    )
    await Promise.all(readers)
    this.#over = true
    await Promise.all(troubles)
    clearInterval(tell)
  }

  /** When nothing fails any more, everything is right again at once, and nothing is left. */
  async conclude(): Promise<ClusterReport> {
    const { origin, artifacts, cluster, witness } = this.#p
    const downloaded = origin.bytes
    const { necessary, witnessed } = new Necessity(readFileSync(witness, 'utf8'))
    origin.rate = 0
    await this.#calm()
    const leases = (await cluster.redis.command('KEYS *:lease:*')).match(/lease:/g)?.length ?? 0
    const descriptors = Math.max(...cluster.nodes.flatMap(processesOf).map(descriptorsOf))
    const nodes = await Promise.all(cluster.nodes.map(endOf))
    return {
      requests: this.#begun,
      outcomes: this.#tally.outcomes,
      wrong: this.#tally.wrong,
      hangs: this.#tally.hangs,
      faults: origin.counts,
      troubles: this.#troubles,
      purges: this.#purges,
      changes: artifacts.reduce((sum, { versions }) => sum + versions.length - 1, 0),
      bytes: { delivered: this.#tally.delivered, origin: downloaded, necessary, witnessed },
      oldest: this.#tally.oldest,
      leases,
      descriptors,
      nodes,
      seconds: Math.round((Date.now() - this.#startedAt) / 1000),
    }
  }

  async #every(pause: number, act: () => Promise<void> | void): Promise<void> {
    for (;;) {
      await sleep(pause * (0.5 + this.#p.random.next()))
      if (this.#over) return
      await act()
    }
  }

  async #readOn(random: Random): Promise<void> {
    const { artifacts, origin, cluster, haproxy } = this.#p
    while (this.#begun < this.#o.requests) {
      this.#begun++
      // Some are asked for often, some hardly ever.
      const artifact = artifacts[Math.floor(artifacts.length * random.next() ** 2)]!
      const base = random.below(DIRECT) === 0 ? random.pick(cluster.nodes).serving.url : haproxy.url
      const verdict = await read(base, origin.url(artifact.path), artifact, random)
      this.#tally.note(verdict)
      await sleep(verdict.kind === 'refused' ? REFUSED : random.next() * THINKING)
    }
  }

  async #troubleNode(node: Node): Promise<void> {
    const { random, cluster } = this.#p
    const name = String(cluster.nodes.indexOf(node))
    if (random.below(2) === 0) {
      this.#count('nodes killed')
      this.#witness('down', name)
      await cluster.kill(node)
      await sleep(random.below(LONGEST_ABSENCE))
      await cluster.restart(node)
    } else {
      this.#count('nodes stopped')
      this.#witness('down', name)
      cluster.freeze(node)
      await sleep(random.below(LONGEST_FREEZE))
      cluster.thaw(node)
    }
    this.#witness('up', name)
  }

  async #troubleRedis(): Promise<void> {
    const { random, cluster } = this.#p
    const { redis } = cluster
    this.#losses++
    switch (random.below(3)) {
      case 0:
        this.#count('Redis killed')
        this.#witness('redis lost')
        await redis.kill()
        await sleep(random.below(LONGEST_ABSENCE))
        await redis.start()
        this.#witness('redis empty')
        break
      case 1:
        this.#count('Redis stopped')
        this.#witness('redis lost')
        redis.freeze()
        await sleep(random.below(LONGEST_REDIS_FREEZE))
        redis.thaw()
        this.#witness('redis back')
        break
      default:
        this.#count('Redis emptied')
        await redis.command('FLUSHALL')
        this.#witness('redis empty')
    }
  }

  async #purge(artifact: ChaosArtifact): Promise<void> {
    const { random, cluster, origin } = this.#p
    const from = Date.now()
    const losses = this.#losses
    const answer = await get(random.pick(cluster.nodes).serving.fetchUrl(origin.url(artifact.path)), {
      method: 'DELETE',
      headers: { 'X-Kiss-Token': ADMIN },
    }).catch(() => undefined)
    // A node that was just killed purges nothing.
    if (answer?.status !== 200) return
    this.#purges++
    const { unreached = [] } = JSON.parse(answer.text) as { unreached?: string[] }
    if (unreached.length === 0 && losses === this.#losses) {
      artifact.purged = { from, until: Date.now() }
      this.#witness('told', artifact.path)
    }
  }

  /** Every artifact from every node and through HAProxy: right, and as new as the lifetime says. */
  async #calm(): Promise<void> {
    const { artifacts, cluster, haproxy, origin } = this.#p
    await sleep(CALM)
    for (const base of [...cluster.nodes.map(({ serving }) => serving.url), haproxy.url]) {
      for (const artifact of artifacts) {
        const verdict = await read(base, origin.url(artifact.path), artifact, plainly)
        const { wrong } = this.#tally
        if (verdict.kind !== 'right') wrong.push(`${artifact.path}, when all is calm: ${JSON.stringify(verdict)}`)
        else if (verdict.age > 0) wrong.push(`${artifact.path}, when all is calm: ${verdict.age} ms too old`)
      }
    }
  }

  #count(trouble: string): void {
    this.#troubles[trouble] = (this.#troubles[trouble] ?? 0) + 1
  }

  #witness(...what: readonly string[]): void {
    const [kind, node = Date.now()] = what
    appendFileSync(this.#p.witness, `${JSON.stringify([kind, node, '', new Date().toISOString()])}\n`)
  }
}

function processesOf({ serving }: Node): number[] {
  const { pid = 0 } = serving.running.child
  return [pid, ...childrenOf(pid)]
}

async function endOf(node: Node): Promise<ClusterReport['nodes'][number]> {
  const { child, ended } = node.serving.running
  child.kill('SIGTERM')
  const { code } = await ended
  const verified = []
  for (let i = 0; i < 2; i++) {
    const { stdout } = await node.sandbox.run(['verify', '--json'])
    verified.push(JSON.parse(stdout) as ClusterReport['nodes'][number]['verified'][number])
  }
  return { exits: [code], verified }
}
