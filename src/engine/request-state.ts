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
  /** Time of arrival, monotonic milliseconds. */
  readonly since: number
  /** Time of arrival, milliseconds of `performance.now()`. */
  readonly came: number
  /** The request waited for a validation: its hit counts as revalidated. */
  confirmed: boolean
  /** Flights that it joined and that failed because the origin refused the credentials of other clients. */
  refusals: number
}
