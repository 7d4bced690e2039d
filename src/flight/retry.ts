/** When a failed attempt is tried again. Pure: time and chance are handed in. */

/** Statuses that may pass: the origin, or something before it, is busy, restarting or out of something. */
const passing: ReadonlySet<number> = new Set([408, 413, 420, 425, 429, 430, 500, 502, 503, 504, 507, 509, 529, 598])

/** Milliseconds before the second attempt; doubles with each failure. */
const FIRST = 500
/** Milliseconds: no pause of our own is longer. */
const LONGEST = 30_000
/** Milliseconds: an origin that asks for more is asked earlier, since readers wait. */
const RETRY_AFTER_CAP = 120_000
/**
 * Failures in a row until a transfer gives up although there is time left, where a resolver says that the host does not exist. It may be wrong for a moment while its zones are loaded;
 * mostly a name is mistyped, and nobody should wait for that.
 */
const UNKNOWN_HOSTS = 2

export interface RetryState {
  /** Failed attempts since the body last grew. */
  readonly failures: number
  /** Those of them, the last in a row, that say that there is no such host. */
  readonly unknownHosts: number
  /** There were bytes already: the name is no mistake, whatever a resolver says now. */
  readonly begun: boolean
  /** Monotonic milliseconds: when the body last grew, at first when the transfer began. */
  readonly grownAt: number
}

export interface RetryCircumstances {
  /** Monotonic milliseconds. */
  readonly now: number
  /** Milliseconds that the origin asked for, if it did. */
  readonly retryAfter: number | undefined
  /** An earlier attempt is no use, however long the origin asked for. */
  readonly binding?: boolean | undefined
  /** In [0, 1). */
  readonly random: number
  /** Milliseconds since the body last grew, until the transfer gives up. */
  readonly retryFor: number
}

export function isPassing(status: number): boolean {
  return passing.has(status)
}

/** @param begun another process has had bytes of it */
export function started(now: number, begun = false): RetryState {
  return { failures: 0, unknownHosts: 0, begun, grownAt: now }
}

/** The body has more bytes than it ever had. */
export function grown(now: number): RetryState {
  return started(now, true)
}

/** Nothing was asked for `ms` milliseconds. */
export function postponed(state: RetryState, ms: number): RetryState {
  return { ...state, grownAt: state.grownAt + ms }
}

/** @param code of the system, if it failed below HTTP. EAI_AGAIN is no answer of a resolver: that passes as others do. */
export function failed(state: RetryState, code?: string): RetryState {
  const unknownHosts = code === 'ENOTFOUND' && !state.begun ? state.unknownHosts + 1 : 0
  return { ...state, failures: state.failures + 1, unknownHosts }
}

/** Milliseconds to wait after the failure that `state` counts already; undefined: give up. */
export function pause(state: RetryState, circumstances: RetryCircumstances): number | undefined {
  const { now, retryAfter, binding = false, random, retryFor } = circumstances
  const left = timeLeft(state, now, retryFor)
  const asked = Math.min(retryAfter ?? 0, binding ? Infinity : RETRY_AFTER_CAP)
  if (state.unknownHosts > UNKNOWN_HOSTS || left <= 0 || asked > left) return undefined
  const exponential = Math.min(FIRST * 2 ** (state.failures - 1), LONGEST)
  // Half of it fixed, half of it jitter: many transfers of one origin do not come back in step.
  const own = exponential * (0.5 + random / 2)
  return Math.min(Math.max(own, asked), left)
}

/** Milliseconds until the transfer gives up, unless the body grows. */
export function timeLeft({ grownAt }: RetryState, now: number, retryFor: number): number {
  return grownAt + retryFor - now
}
