/** What the engine says of its directory, and of the nodes of its cluster. */

import type { Totals } from '../flight/cluster.js'
import type { Download } from '../flight/list.js'
import type { FailureRecord } from '../store/figures/failure-list.js'
import type { Counts, KeyId } from '../store/types.js'
import type { Lent, Refused } from './lending.js'

export interface PurgeResult {
  readonly removed: number
  readonly bytes: number
  readonly dryRun: boolean
  /** URLs of nodes of the cluster that could not be told, and will hear of it later. */
  readonly unreached?: readonly string[]
}

/** One node of a cluster. */
export interface NodeState {
  readonly instance: string
  /** Where the other nodes reach it; undefined for one that was gone before this one came. */
  readonly url?: string | undefined
  readonly version?: string | undefined
  readonly draining?: boolean | undefined
  /** It gave a sign within the last seconds. */
  readonly present: boolean
  /** Milliseconds since the epoch. */
  readonly seenAt: number
  readonly totals?: Totals | undefined
}

/** What the server of a node does for the other nodes. */
export interface ClusterEngine {
  /** Shared by the nodes; none: nobody is let in. */
  readonly tokens: readonly string[]
  /** A body that is stored here, or that this node downloads under the lease of that generation. */
  lend(id: KeyId, what: 'stored' | number, signal: AbortSignal): Promise<Lent | Refused>
  /** Purges here what another node was told to. @param purge as that node sent it, JSON */
  purge(purge: string, dryRun: boolean): Promise<PurgeResult>
  /** Every node that was seen within a week, this one included. */
  nodes(): readonly NodeState[]
  /** Tells the others that this node is about to leave. */
  drain(): void
}

/** The state of one cache directory, as `kiss stats`, `/api/v1/status/` and the dashboard show it. */
export interface EngineStatus {
  readonly counts: Counts
  /** Bytes; `logical` counts a body once for each entry that names it. */
  readonly usage: { readonly blobs: number; readonly reserved: number; readonly logical: number }
  /** Bytes; undefined: no quota. */
  readonly quota: number | undefined
  /** Bytes that count for the quota: blocks of bodies, entries, and what downloads may write. */
  readonly counted: number
  readonly entries: number
  /** Bytes: a body counts once for each entry. */
  readonly pinned: { readonly entries: number; readonly bytes: number }
  readonly downloads: readonly Download[]
  /** Newest first, bounded. */
  readonly failures: readonly FailureRecord[]
  /** Identifies the cache directory; made once, random. */
  readonly instance: string
}
