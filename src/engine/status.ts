/** The state of a cache directory and of the nodes of a cluster. */

import type { Totals } from '../flight/cluster.js'
import type { Download } from '../flight/list.js'
import type { FailureRecord } from '../store/figures/failure-list.js'
import type { Counts, KeyId } from '../store/types.js'
import type { CopyRequest } from './copying.js'
import type { Lent, Refused } from './lending.js'

export interface PurgeResult {
  readonly removed: number
  readonly bytes: number
  readonly dryRun: boolean
  /** URLs of nodes that the purge did not reach; they apply it later. */
  readonly unreached?: readonly string[]
}

/** The result of a purge on one node. */
export interface Purged extends PurgeResult {
  /** Ids of the URLs that the purged ids are names of in the store of this node. */
  readonly named: readonly KeyId[]
}

/** One node of a cluster. */
export interface NodeState {
  readonly instance: string
  /** Its URL for the other nodes; undefined for a node that left before this one joined. */
  readonly url?: string | undefined
  readonly version?: string | undefined
  readonly draining?: boolean | undefined
  /** It renewed its record within the last seconds. */
  readonly present: boolean
  /** Milliseconds since the epoch. */
  readonly seenAt: number
  readonly totals?: Totals | undefined
}

/** The services of a node for the other nodes. */
export interface ClusterEngine {
  /** The tokens of the nodes; without one, every node is refused. */
  readonly tokens: readonly string[]
  /** A body that this node stores, the part of one that it has, or a body that it downloads under the lease of that generation. */
  lend(id: KeyId, what: 'stored' | 'part' | number, signal: AbortSignal): Promise<Lent | Refused>
  /** Follows a download of another node. False if nothing of it would be stored. */
  copy(request: CopyRequest): Promise<boolean>
  /** Applies a purge of another node. @param purge JSON */
  purge(purge: string, dryRun: boolean): Promise<Purged>
  /** Every node of the last week, this one included. */
  nodes(): readonly NodeState[]
  /** Redis answered the last call of this process. */
  reachable(): boolean
  /** Announces to the other nodes that this node is leaving. */
  drain(): void
}

/** The state of one cache directory, as `kiss stats`, `/api/v1/status/` and the dashboard show it. */
export interface EngineStatus {
  readonly counts: Counts
  /** Bytes; `logical` counts a body once for each entry that names it. */
  readonly usage: { readonly blobs: number; readonly reserved: number; readonly logical: number }
  /** Bytes; undefined: no quota. */
  readonly quota: number | undefined
  /** Bytes that count for the quota: blocks of bodies, entries, and the reservations of downloads. */
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
