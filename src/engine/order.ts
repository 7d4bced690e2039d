/** One key to be downloaded: what a transfer is told by the request that starts it. */

import type { UpstreamProvider } from '../provider/types.js'
import type { Entry, KeyId, Sha256 } from '../store/types.js'

export interface Order {
  readonly id: KeyId
  /** As the client wrote it, credentials included. */
  readonly url: URL
  /** Displayable. */
  readonly shown: string
  readonly provider: UpstreamProvider
  /** What the client passes on; lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** A keyed hash of the client's credential; undefined where it brought none. */
  readonly credential: string | undefined
  /** The bytes will be the client's own: to be shared only after a probe. */
  readonly private: boolean
  /** Milliseconds. */
  readonly lifetime: number
  /** The entry to validate. */
  readonly stale: Entry | undefined
  /** An entry that is known to be another content than what is ordered. */
  readonly replaces?: Entry | undefined
  /** Ask the origin although it failed a moment ago. */
  readonly insists?: boolean | undefined
  /** The sum that the starting reader was promised: it can prove that a body without a length is whole. */
  readonly promised: Sha256 | undefined
  /** False: for this client alone (no validator by which others could prove their right). */
  readonly keep: boolean
}
