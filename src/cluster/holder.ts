/** The node that downloads a key for the whole cluster, and the error that says that it is another one by now. */

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
