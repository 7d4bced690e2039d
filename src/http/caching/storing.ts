/** May an answer be stored? RFC 9111 §3, for a shared cache. Pure. */

import { parseCacheControl, policyOf, type Directives } from './directives.js'
import { explicitLifetime, isHeuristicallyCacheable, lifetimeOf } from './freshness.js'
import { partOf } from './parts.js'
import type { Answered, AskedFor } from './types.js'
import { varyNames } from './vary.js'

/** Statuses whose caching kiss understands, for must-understand (§5.2.2.3): those of RFC 9110 §15 that a GET can have. */
const understood: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 410, 414, 421, 451, 500,
  501, 502, 503, 504,
])

export interface StoringQuestion {
  readonly asked: AskedFor
  readonly answer: Answered
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
}

/** The reason why the answer is not stored; undefined: it is stored. */
export function whyNotStored({ asked, answer, receivedAt }: StoringQuestion): string | undefined {
  const { status, fields } = answer
  const { directives } = policyOf(fields)
  // §3: the method is understood; §4.3.5: the answer to a HEAD updates a stored answer, and is not stored itself.
  if (asked.method !== 'GET') return 'method'
  // §3: the status is final, and not that of a validation.
  if (status < 200 || status === 304 || status === 416) return 'status'
  // §3: the range of a 206 has to be known.
  if (status === 206 && partOf(answer) === undefined) return 'status'
  // §5.2.1.5
  if (parseCacheControl(asked.fields['cache-control']).has('no-store')) return 'no-store of the request'
  // §5.2.2.3: must-understand overrides no-store for an understood status, and forbids to store any other.
  if (directives.has('must-understand')) {
    if (!understood.has(status)) return 'must-understand'
  } else if (directives.has('no-store')) return 'no-store' // §5.2.2.5
  // §5.2.2.7; with field names it may be taken for one without.
  if (directives.has('private')) return 'private'
  // §3.5
  if (asked.credentialed && !allowsCredentials(directives)) return 'credential'
  // §4.1: no request would select it.
  if (varyNames(fields['vary']) === undefined) return 'vary'
  const explicit = explicitLifetime(answer, receivedAt)
  // §3: a directive or the status allows storing.
  if (explicit === undefined && !isHeuristicallyCacheable(answer)) return 'nothing says that it may'
  return isUseful(answer, directives, receivedAt) ? undefined : 'it could never be used again'
}

/** §3.5: does a directive allow to share an answer to an authenticated request? */
function allowsCredentials(directives: Directives): boolean {
  return ['must-revalidate', 'public', 's-maxage'].some((name) => directives.has(name))
}

/** Is a stored copy of use: fresh for a while, with a validator, or allowed to be served stale? */
function isUseful(answer: Answered, directives: Directives, receivedAt: number): boolean {
  const { etag, 'last-modified': lastModified } = answer.fields
  const isValidatable = etag !== undefined || lastModified !== undefined
  const mayBeStale = directives.has('stale-if-error') || directives.has('stale-while-revalidate')
  return isValidatable || mayBeStale || lifetimeOf(answer, receivedAt) > 0
}
