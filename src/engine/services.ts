/** What the parts of the engine share: handed in once, so that none of them makes its own. */

import type { Collaborators } from '../flight/collaborators.js'
import type { Leases } from '../flight/lease.js'
import type { Store } from '../store/open.js'
import type { Origins } from '../upstream/types.js'
import type { Credentials } from './credentials.js'
import type { FailureLog } from './failures.js'
import type { Probes } from './probes.js'
import type { Clock } from './types.js'

export interface EngineSettings {
  /** Milliseconds. */
  readonly defaultTtl: number
  /** Milliseconds. */
  readonly maxTtl: number
  /** Milliseconds. */
  readonly staleIfError: number
  /** Milliseconds since the body last grew. */
  readonly retryFor: number
  /** Milliseconds. */
  readonly authTtl: number
  /** Who asks owns the providers' credentials too. */
  readonly ownUse: boolean
  /** Downloads under way or waiting at once. */
  readonly maxTransfers: number
  /** Bring each blob to the disk behind everybody's back (checked-blobs.ts). */
  readonly syncBodies: boolean
}

export interface Services {
  readonly store: Store
  readonly leases: Leases
  /** The network is loaded when it is first needed: a hit does without. */
  readonly origins: () => Promise<Origins>
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly settings: EngineSettings
  readonly credentials: Credentials
  readonly failures: FailureLog
  readonly probes: Probes
  readonly isListed: Collaborators['isListed']
  /** One line for the operator. */
  readonly warn: (message: string) => void
}
