/** The time until a purge at one node is obeyed by every node. */
import { get } from '../../server/support/client.js'
import { ADMIN } from '../../support/cluster.js'
import type { Artifacts } from '../artifacts.js'
import { median } from '../measure.js'
import type { Row } from '../table.js'

const SIZE = 4 * 1024
const PURGES = 50

export const rows: readonly Row[] = [
  { id: 'answered', what: 'a purge until its answer', unit: 'ms', better: undefined },
  { id: 'obeyed', what: 'a purge until the last of three nodes has no copy', unit: 'ms', better: undefined },
]

export const columns = ['median', `slowest of ${PURGES}`].map((name) => ({ name, peer: false }))

export interface PurgesOptions {
  /** Fetch URLs at each of three nodes of one cluster. */
  readonly nodes: readonly ((url: string) => string)[]
  readonly origin: Artifacts
}

/** Milliseconds by row and column. The clients run in this process, so each figure includes a request to each node. */
export async function measurePurges({ nodes, origin }: PurgesOptions): Promise<Map<string, Map<string, number[]>>> {
  const answered: number[] = []
  const obeyed: number[] = []
  for (let n = 0; n < PURGES; n++) {
    const url = origin.url(origin.path(SIZE, 0, `purge-${n}`))
    const at = nodes.map((fetchUrl) => fetchUrl(url))
    for (const copy of at) await get(copy)
    const start = performance.now()
    const purge = get(at[0]!, { method: 'DELETE', headers: { 'X-Kiss-Token': ADMIN } })
    const others = at.slice(1).map(untilGone)
    await purge
    answered.push(performance.now() - start)
    await Promise.all([...others, untilGone(at[0]!)])
    obeyed.push(performance.now() - start)
  }
  return new Map([
    ['answered', columnsOf(answered)],
    ['obeyed', columnsOf(obeyed)],
  ])
}

function columnsOf(times: readonly number[]): Map<string, number[]> {
  const [middle, slowest] = columns.map(({ name }) => name) as [string, string]
  return new Map([
    [middle, [median(times)]],
    [slowest, [Math.max(...times)]],
  ])
}

/** Resolves when the node answers that it has no copy. */
async function untilGone(fetchUrl: string): Promise<void> {
  for (;;) {
    const { status } = await get(fetchUrl, { headers: { 'Cache-Control': 'only-if-cached' } })
    if (status === 504) return
  }
}
