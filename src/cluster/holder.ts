/** The node that downloads a key for the whole cluster, and the errors that say that it does so no more. */

import { KissError } from '../errors.js'

export interface Holder {
  readonly generation: number
  /** The bytes come with a client's credential. */
  readonly private: boolean
  readonly instance: string
  readonly url: string
}

/** Bytes that came from one place come from another one now: asking again is no failure of the origin. */
export class Moved extends Error {
  readonly code = 'ERR_MOVED'
}

/** Nobody sends what this node only follows: what is here stays for the node that goes on with it. */
export function abandoned(shown: string): KissError {
  return new KissError('interrupted', `the download of ${shown} that this node followed was broken off`)
}
