/** What the downloads are handed: their collaborators, and nothing that they do not use. */

import type { KissError } from '../errors.js'
import type { Store } from '../store/open.js'
import type { KeyId } from '../store/types.js'
import type { Origins } from '../upstream/types.js'
import type { ListedAccess } from './access.js'
import type { Cluster } from './cluster.js'
import type { Leases } from './lease.js'
import type { Parallel } from './parallel.js'

/** Where time comes from: handed in, so that tests never wait. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds that never jump, for spans of time; their zero is the system's (its boot), whatever the wall clock says. */
  monotonic(): number
  /** Rejects with the signal's reason when aborted. Keeps the process alive until the pause is over. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface FlightSettings {
  /** Milliseconds since the body last grew. */
  readonly retryFor: number
  /** The user of the engine owns the credentials of the providers too. */
  readonly ownUse: boolean
  /** Milliseconds that an accepted credential is remembered, and a body is kept for one credential alone. */
  readonly authTtl: number
  /** Downloads under way or waiting at once. */
  readonly maxTransfers: number
  /** Bring each blob to the disk in the background (checked-blobs.ts). */
  readonly syncBodies: boolean
}

/** Failures that this process remembers. */
export interface Failures {
  note(failed: { readonly id: KeyId; readonly credential: string | undefined }, error: KissError): void
  forget(id: KeyId): void
}

export interface Collaborators {
  readonly store: Store
  readonly leases: Leases
  /** Every source of bytes (sources.ts). The network is loaded when it is first needed: a hit does without. */
  readonly origins: () => Promise<Origins>
  /** What the downloads share that take ranges in parallel. */
  readonly parallel: Parallel
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly settings: FlightSettings
  readonly failures: Failures
  /** The other machines, where there are any. */
  readonly cluster?: Cluster | undefined
  /** May every client of this cache know of a transfer? `shown`: its displayable URL. */
  readonly isListed: (noted: ListedAccess) => boolean
  /** Of the hashes of final URLs: the nodes of a cluster share it. */
  readonly resourceKey: string
  /** One line for the operator. */
  readonly warn: (message: string) => void
  /** One line for a user who wants to see each decision. */
  readonly trace?: ((line: string) => void) | undefined
}
