/** What to do with a request, given the stored answer that it selects: RFC 9111 §4, RFC 5861. Pure. */

import { parseCacheControl, policyOf, secondsOf, type Directives } from './directives.js'
import { currentAge, freshFor } from './freshness.js'
import type { AskedFor, StoredAnswer } from './types.js'

export interface Question {
  readonly asked: AskedFor
  /** The answer that the request selects (§4.1). */
  readonly stored: StoredAnswer | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Time of arrival of the request, milliseconds since the epoch. A later answer of the origin is fresh enough for it. */
  readonly since: number
  /** Seconds: the maximum age, beside the fields of the request. */
  readonly maxAge?: number | undefined
}

export type Decision =
  | { readonly kind: 'serve'; readonly stale: false }
  /** `refresh`: the answer is validated in the background (RFC 5861 §3). */
  | { readonly kind: 'serve'; readonly stale: true; readonly refresh: boolean }
  | { readonly kind: 'validate' }
  | { readonly kind: 'forward' }
  /** §5.2.1.7: only a stored answer is allowed, and none may be served. */
  | { readonly kind: 'unavailable' }

export function decide({ asked, stored, now, since, maxAge = Infinity }: Question): Decision {
  const request = requestDirectives(asked)
  const elsewhere: Decision = request.has('only-if-cached')
    ? { kind: 'unavailable' }
    : { kind: stored === undefined ? 'forward' : 'validate' }
  if (stored === undefined) return elsewhere
  const { directives } = policyOf(stored.fields)
  // The origin sent or confirmed it after the arrival of this request (§4: requests may be collapsed).
  if (stored.receivedAt >= since && stored.receivedAt <= now) return { kind: 'serve', stale: false }
  // §5.2.2.4; with field names it may be taken for one without. §5.2.1.4
  if (directives.has('no-cache') || request.has('no-cache')) return elsewhere
  const age = currentAge(stored, now)
  const left = freshFor(stored, now)
  // §5.2.1.1
  if (age > Math.min(secondsOf(request, 'max-age') ?? Infinity, maxAge)) return elsewhere
  // §5.2.1.3; without it an answer is fresh while its lifetime is greater than its age (§4.2).
  if (left > (secondsOf(request, 'min-fresh') ?? 0)) return { kind: 'serve', stale: false }
  // §4.2.4: no directive forbids to serve it stale, and one allows it.
  if (!mayBeStale(directives) || request.has('min-fresh')) return elsewhere
  // §5.2.1.2
  const maxStale = request.get('max-stale') === true ? Infinity : secondsOf(request, 'max-stale')
  if (maxStale !== undefined && -left <= maxStale) return { kind: 'serve', stale: true, refresh: false }
  // RFC 5861 §3
  const whileRevalidate = secondsOf(directives, 'stale-while-revalidate')
  if (whileRevalidate !== undefined && -left <= whileRevalidate && maxAge === Infinity)
    return { kind: 'serve', stale: true, refresh: !request.has('only-if-cached') }
  return elsewhere
}

/** §4.2.4: does no directive of the answer forbid a shared cache to serve it stale? */
function mayBeStale(directives: Directives): boolean {
  // §5.2.2.2, §5.2.2.8, §5.2.2.10, §5.2.2.4
  return !['must-revalidate', 'proxy-revalidate', 's-maxage', 'no-cache'].some((name) => directives.has(name))
}

/** The failure of a validation: the origin could not be reached, or it answered with an error. */
export type Trouble = 'unreachable' | { readonly status: number }

export interface TroubleQuestion {
  readonly asked: AskedFor
  readonly stored: StoredAnswer
  readonly trouble: Trouble
  readonly now: number
  /** Seconds that an answer without a directive is served stale while the origin cannot be reached. */
  readonly disconnected: number
}

/** May the stored answer be served although the origin could not confirm it? */
export function servesInTrouble({ asked, stored, trouble, now, disconnected }: TroubleQuestion): boolean {
  const { directives } = policyOf(stored.fields)
  if (!mayBeStale(directives)) return false
  const stale = -freshFor(stored, now)
  const request = requestDirectives(asked)
  // RFC 5861 §4: of the answer and of the request.
  const ifError = Math.max(secondsOf(directives, 'stale-if-error') ?? -1, secondsOf(request, 'stale-if-error') ?? -1)
  if (stale <= ifError) return trouble === 'unreachable' || [500, 502, 503, 504].includes(trouble.status)
  // §4.2.4: a cache that is disconnected may serve stale answers.
  return trouble === 'unreachable' && stale <= disconnected
}

/** §5.4: Pragma: no-cache counts where there is no Cache-Control. */
function requestDirectives({ fields }: AskedFor): Directives {
  const { 'cache-control': cacheControl, pragma } = fields
  return parseCacheControl(cacheControl ?? (/(^|,)\s*no-cache\s*(,|$)/i.test(pragma ?? '') ? 'no-cache' : ''))
}
