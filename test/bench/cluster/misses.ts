/** The time of a hit, of a miss that a peer fills, and of a miss at the origin. */
import type { Artifacts } from '../artifacts.js'
import type { Client } from '../client.js'
import type { Row } from '../table.js'

const KiB = 1024
const MiB = 1024 * KiB

const sizes = [
  { name: '4 KiB', size: 4 * KiB, artifacts: 20 },
  { name: '100 MiB', size: 100 * MiB, artifacts: 5 },
] as const

export const rows: readonly Row[] = [
  { id: 'hit', what: 'a hit', unit: 'ms', better: undefined },
  { id: 'filled', what: 'a miss that a peer fills', unit: 'ms', better: undefined },
  { id: 'miss', what: 'a miss at the origin', unit: 'ms', better: undefined },
  { id: 'alone', what: 'a miss at the origin, server without a cluster', unit: 'ms', better: undefined },
]

export const columns = sizes.flatMap(({ name }) =>
  ['first byte', 'last byte'].map((what) => ({ name: `${name}: ${what}`, peer: false })),
)

export interface MissesOptions {
  /** Fetch URLs at each of three nodes of one cluster. */
  readonly nodes: readonly ((url: string) => string)[]
  /** Fetch URLs at a server without a cluster. */
  readonly alone: (url: string) => string
  readonly origin: Artifacts
  readonly client: Client
}

/** Milliseconds by row and column. */
export async function measureMisses(options: MissesOptions): Promise<Map<string, Map<string, number[]>>> {
  const { nodes, alone, origin, client } = options
  const results = new Map(rows.map(({ id }) => [id, new Map(columns.map(({ name }) => [name, [] as number[]]))]))
  for (const { name, size, artifacts } of sizes) {
    const fetch = async (row: string, url: string): Promise<void> => {
      const { first, done } = await client.load(url, { requests: 1 })
      results.get(row)!.get(`${name}: first byte`)!.push(first.max)
      results.get(row)!.get(`${name}: last byte`)!.push(done.max)
    }
    for (let n = 0; n < artifacts; n++) {
      const url = origin.url(origin.path(size, 0, `miss-${n}`))
      await fetch('alone', alone(url))
      const [first, ...others] = nodes.map((fetchUrl) => fetchUrl(url))
      await fetch('miss', first!)
      for (const other of others) await fetch('filled', other)
      for (const other of others) await fetch('hit', other)
    }
  }
  return results
}
