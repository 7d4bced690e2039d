/** The collaborators that the downloads are given. */

import type { Clock } from '../clock.js'
import type { KissError } from '../errors.js'
import type { Store } from '../store/open.js'
import type { Counters, KeyId } from '../store/types.js'
import type { Origins } from '../upstream/types.js'
import type { ListedAccess } from './access.js'
import type { Cluster } from './cluster.js'
import type { Leases } from './lease.js'
import type { Parallel } from './parallel.js'

export interface FlightSettings {
  /** Milliseconds since the body last grew. */
  readonly retryFor: number
  /** The user of the engine owns the credentials of the providers too. */
  readonly ownUse: boolean
  /** Milliseconds that an accepted credential is remembered, and a body is kept for one credential alone. */
  readonly authTtl: number
  /** Downloads under way or waiting at once. */
  readonly maxTransfers: number
  /** Sync each blob to the disk in the background (checked-blobs.ts). */
  readonly syncBodies: boolean
}

/** Failures that this process remembers. */
export interface Failures {
  note(failed: { readonly id: KeyId; readonly credential: string | undefined }, error: KissError): void
  forget(id: KeyId): void
}

/** What counts the bytes that arrive. */
export interface Counting {
  readonly counters: Pick<Counters, 'add'>
}

export interface Collaborators {
  readonly store: Store
  readonly leases: Leases
  /** The sources of bytes (sources.ts). The network is loaded when it is first needed, because a hit does not need it. */
  readonly origins: () => Promise<Origins>
  /** The memory and limits that downloads with ranges in parallel share. */
  readonly parallel: Parallel
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly settings: FlightSettings
  readonly failures: Failures
  /** The other nodes; undefined without a cluster. */
  readonly cluster?: Cluster | undefined
  /** May a download be listed for every client of this cache? */
  readonly isListed: (noted: ListedAccess) => boolean
  /** The key of the hashes of final URLs. The nodes of a cluster share it. */
  readonly resourceKey: string
  /** One line for the operator. */
  readonly warn: (message: string) => void
  /** One line for `--verbose`. */
  readonly trace?: ((line: string) => void) | undefined
}
