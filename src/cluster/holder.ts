/** The node that downloads a key for the whole cluster, and the errors after which it does so no more. */

import { KissError } from '../errors.js'

/** The two leases of a key. The second one is for nodes that cannot reach the holder of the first one. */
export type Slot = 'lease' | 'beside'

export interface Holder {
  readonly slot: Slot
  readonly generation: number
  /** The holder's request carries a client's credential. */
  readonly private: boolean
  readonly instance: string
  readonly url: string
}

/** The next bytes come from another source than the last ones: the new request is no failure of the origin. */
export class Moved extends Error {
  readonly code = 'ERR_MOVED'
}

/** No node sends the rest of a body that this node follows. The bytes stay on disk for the node that continues the download. */
export function abandoned(shown: string): KissError {
  return new KissError('interrupted', `the download of ${shown} that this node followed was broken off`)
}
