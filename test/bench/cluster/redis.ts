/** The calls that one Redis carries: the real scripts, from ten connections with ten calls in flight each. */
import { createHash } from 'node:crypto'
import { SharedLeases } from '#kiss/cluster/leases.js'
import { Redis, Script } from '#kiss/cluster/redis.js'
import { BEAT, RENEW } from '#kiss/cluster/scripts.js'
import { ClockDifference } from '#kiss/cluster/time.js'
import type { Entry } from '#kiss/store/types.js'
import type { RedisServer } from '../../support/cluster.js'
import { cpuSeconds } from '../measure.js'
import type { Row } from '../table.js'

const CONNECTIONS = 10
const IN_FLIGHT = 10
/** Downloads of a node at once, by default. */
const MANY = 64
/** Milliseconds. */
const LIFETIME = 6_000
const CLUSTERS = [3, 10, 50]

export const rows: readonly Row[] = [
  { id: 'miss', what: 'a miss at the origin: look up, take the lease, publish', unit: '', better: undefined },
  { id: 'filled', what: 'a miss that a peer fills: look up, record', unit: '', better: undefined },
  { id: 'renewal', what: 'a renewal of one lease', unit: '', better: undefined },
  { id: 'renewals', what: `a renewal of ${MANY} leases`, unit: '', better: undefined },
  ...CLUSTERS.map((n): Row => ({
    id: `report.${n}`,
    what: `a report in a cluster of ${n} nodes`,
    unit: '',
    better: undefined,
  })),
]

export const columns = ['measured a second', 'Redis’ use of one core', 'CPU µs', 'a second on one core'].map(
  (name) => ({
    name,
    peer: false,
  }),
)

export interface Carried {
  /** By row and column. */
  readonly results: Map<string, Map<string, number[]>>
  /** Bytes of memory for each artifact. */
  readonly bytes: number
}

const SAMPLE = new Script(`return redis.call('GET', redis.call('KEYS', ARGV[1])[1])`)

/** @param server the Redis of a cluster of the default name, with an entry */
export async function measureRedis(server: RedisServer, seconds: number): Promise<Carried> {
  const nodes = await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, i) => {
      const redis = await Redis.open({ url: server.url, warn: () => undefined })
      const instance = idOf(`node-${i}`).slice(0, 32)
      const url = `http://10.208.0.${11 + i}:8001/`
      return {
        redis,
        instance,
        url,
        leases: new SharedLeases({ redis, prefix: PREFIX, instance, url, time: new ClockDifference() }),
      }
    }),
  )
  const sample = async (kind: string): Promise<string> =>
    (await nodes[0]!.redis.run(SAMPLE, [], [`kiss:1:kiss:${kind}:*`])) as string
  const entry = JSON.parse((await sample('entry')).replace(/^\d+ /, '')) as Entry
  const report = await sample('node')
  const results = new Map<string, Map<string, number[]>>()

  /** The number of calls. */
  async function row(id: string, call: (node: (typeof nodes)[number], n: number) => Promise<unknown>): Promise<number> {
    let done = 0
    let next = 0
    const used = cpuSeconds(server.pid ?? 0)
    const began = performance.now()
    await Promise.all(
      Array.from({ length: CONNECTIONS * IN_FLIGHT }, async (_, i) => {
        for (; performance.now() - began < seconds * 1000; done++) await call(nodes[i % CONNECTIONS]!, next++)
      }),
    )
    const elapsed = (performance.now() - began) / 1000
    const cpu = cpuSeconds(server.pid ?? 0) - used
    const values = [done / elapsed, cpu / elapsed, (cpu / done) * 1e6, done / cpu]
    results.set(id, new Map(columns.map(({ name }, i) => [name, [values[i]!]])))
    return done
  }

  try {
    const empty = await memoryOf(server)
    const misses = await row('miss', async ({ leases }, n) => {
      const id = idOf(String(n))
      const { generation } = await leases.look(id)
      const lease = await leases.acquire(id, { slot: 'lease', isPrivate: false, known: generation })
      const isPublished = lease && (await leases.publish(lease, { ...entry, id, sha256: id }, false))
      if (isPublished !== true) throw new Error('a lease that no other node wants')
    })
    const bytes = ((await memoryOf(server)) - empty) / misses
    await row('filled', async ({ leases }, n) => {
      const id = idOf(String(n % misses))
      await leases.look(id)
      await leases.have(id, id)
    })
    const renewal = (count: number) => {
      const ids = Array.from({ length: count }, (_, i) => idOf(`held-${i}`))
      return ({ redis, instance, url }: (typeof nodes)[number]) => {
        const keys = ids.map((id) => `${PREFIX}${instance}:lease:{${id}}`)
        const value = `1790000000000000 0 ${instance} ${url}`
        return redis.run(RENEW, keys, [LIFETIME, ...keys.flatMap(() => [value, 1])])
      }
    }
    await row('renewal', renewal(1))
    await row('renewals', renewal(MANY))
    for (const count of CLUSTERS) {
      const prefix = `${PREFIX}of-${count}:`
      const beat = ({ redis }: (typeof nodes)[number], n: number): Promise<unknown> =>
        redis.run(
          BEAT,
          [`${prefix}nodes`, `${prefix}left`],
          [`${prefix}node:`, idOf(`${n % count}`).slice(0, 32), report, 60_000, 600_000],
        )
      for (let n = 0; n < count; n++) await beat(nodes[0]!, n)
      await row(`report.${count}`, beat)
    }
    return { results, bytes }
  } finally {
    for (const { redis, leases } of nodes) {
      leases.close()
      redis.close()
    }
  }
}

const PREFIX = 'kiss:1:bench:'

function idOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Bytes. */
async function memoryOf(server: RedisServer): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await server.command('INFO memory'))?.[1])
}
