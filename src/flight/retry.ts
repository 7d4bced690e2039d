/** Schedules the attempts of a download. Pure: time and chance are parameters. */

/** Transient statuses: the origin or a gateway is busy, is restarting or lacks a resource. */
const passing: ReadonlySet<number> = new Set([408, 413, 420, 425, 429, 430, 500, 502, 503, 504, 507, 509, 529, 598])

/** Milliseconds before the second attempt; doubles with each failure. */
const FIRST = 500
/** Milliseconds: the longest pause that kiss chooses itself. */
const LONGEST = 30_000
/** Milliseconds: the longest pause that an origin can ask for, because readers wait. */
const RETRY_AFTER_CAP = 120_000
/**
 * Failures in a row until a download gives up on a host that the resolver does not know, although time is left. A resolver may
 * be wrong while its zones are loaded; usually the name is mistyped, and a long wait would not help.
 */
const UNKNOWN_HOSTS = 2

export interface RetryState {
  /** Failed attempts since the body last grew. */
  readonly failures: number
  /** The last of them in a row that failed because the host does not exist. */
  readonly unknownHosts: number
  /** Bytes have arrived: the name is right, so failures of the resolver are temporary. */
  readonly begun: boolean
  /** Monotonic milliseconds: the last growth of the body, or the start of the download. */
  readonly grownAt: number
}

export interface RetryCircumstances {
  /** Monotonic milliseconds. */
  readonly now: number
  /** Milliseconds that the origin asked for. */
  readonly retryAfter: number | undefined
  /** An earlier attempt would fail: wait as long as the origin asked for. */
  readonly binding?: boolean | undefined
  /** In [0, 1). */
  readonly random: number
  /** Milliseconds without growth after which the download gives up. */
  readonly retryFor: number
}

export function isPassing(status: number): boolean {
  return passing.has(status)
}

/** @param begun another process received bytes of it */
export function started(now: number, begun = false): RetryState {
  return { failures: 0, unknownHosts: 0, begun, grownAt: now }
}

/** The body grew. */
export function grown(now: number): RetryState {
  return started(now, true)
}

/** The download waited `ms` milliseconds in a queue: they do not count. */
export function postponed(state: RetryState, ms: number): RetryState {
  return { ...state, grownAt: state.grownAt + ms }
}

/** @param code of the system for a failure below HTTP. EAI_AGAIN does not count as a missing host: the resolver did not answer. */
export function failed(state: RetryState, code?: string): RetryState {
  const unknownHosts = code === 'ENOTFOUND' && !state.begun ? state.unknownHosts + 1 : 0
  return { ...state, failures: state.failures + 1, unknownHosts }
}

/** Milliseconds to wait after the last failure, which `state` includes; undefined: give up. */
export function pause(state: RetryState, circumstances: RetryCircumstances): number | undefined {
  const { now, retryAfter, binding = false, random, retryFor } = circumstances
  const left = timeLeft(state, now, retryFor)
  const asked = Math.min(retryAfter ?? 0, binding ? Infinity : RETRY_AFTER_CAP)
  if (state.unknownHosts > UNKNOWN_HOSTS || left <= 0 || asked > left) return undefined
  const exponential = Math.min(FIRST * 2 ** (state.failures - 1), LONGEST)
  // One half is fixed and one half is jitter, so that the downloads from one origin do not retry at the same time.
  const own = exponential * (0.5 + random / 2)
  return Math.min(Math.max(own, asked), left)
}

/** Milliseconds until the download gives up, unless the body grows. */
export function timeLeft({ grownAt }: RetryState, now: number, retryFor: number): number {
  return grownAt + retryFor - now
}
