/** One request on its way through the engine. */

import type { Subject } from '../flight/subject.js'
import type { Rule } from './rules/rules.js'
import type { FetchRequest } from './types.js'

export interface RequestState {
  readonly request: FetchRequest
  readonly subject: Subject
  /** The operator's rule for the URL. */
  readonly rule: Rule | undefined
  readonly signal: AbortSignal
  /** Monotonic milliseconds: when it came. */
  readonly since: number
  /** Milliseconds, as `performance.now()` counts them: when it came. */
  readonly came: number
  /** A validation that this request waited for makes a hit a revalidated one. */
  confirmed: boolean
  /** Flights that it joined and that were refused with the credentials of others. */
  refusals: number
}
