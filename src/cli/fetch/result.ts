/** The outcome of one URL of `kiss fetch`. */

import type { ServedAs } from '../../store/types.js'
import type { FailureJson } from '../failure.js'

/** One entry of `results` under `--json`. Unknown values are null. */
export interface FetchResult {
  /** Displayable. */
  readonly url: string
  readonly status: ServedAs | null
  /** Bytes. */
  readonly size: number | null
  readonly sha256: string | null
  /** Of the blob in the cache. */
  readonly path: string | null
  /** Of the file that was written; `-` is standard output. */
  readonly output: string | null
  readonly seconds: number
  /** --no-clobber: the file existed, and no request was made. */
  readonly kept?: true
  readonly error?: FailureJson
}

export interface Outcome {
  readonly result: FetchResult
  /** The cause of the result's `error`. */
  readonly error?: unknown
}
