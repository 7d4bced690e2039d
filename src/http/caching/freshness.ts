/** The lifetime and the age of an answer, RFC 9111 §4.2. Seconds unless a comment names milliseconds. Pure. */

import { parseHttpDate } from '../dates.js'
import { LARGEST, policyOf, secondsOf } from './directives.js'
import type { Answered, Fields, StoredAnswer } from './types.js'

/** RFC 9110 §15.1: statuses that may be stored without an explicit lifetime. */
const heuristic: ReadonlySet<number> = new Set([200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501])

/** RFC 9111 §4.2.2: a tenth of the time since the last change, … */
const PART = 0.1
/** … and a day at most. */
const LONGEST = 86_400

/** May an answer of this status get a heuristic lifetime? */
export function isHeuristicallyCacheable({ status, fields }: Answered): boolean {
  return heuristic.has(status) || policyOf(fields).directives.has('public')
}

/** Milliseconds. RFC 9111 §4.2: dates are read in any case. */
export function dateOf(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined
  const cased = text
    .trim()
    .toLowerCase()
    .replace(/\b[a-z]/g, (letter) => letter.toUpperCase())
    .replace(/Gmt$/, 'GMT')
  return parseHttpDate(cased, now)
}

/** The explicit lifetime of the answer; undefined without one (§4.2.1). */
export function explicitLifetime({ fields }: Pick<Answered, 'fields'>, receivedAt: number): number | undefined {
  const { directives, targeted } = policyOf(fields)
  // §5.2.2.10: for a shared cache s-maxage overrides max-age and Expires.
  const seconds = secondsOf(directives, 's-maxage') ?? secondsOf(directives, 'max-age')
  if (seconds !== undefined) return seconds
  // RFC 9213 §2.2: beside a targeted field Expires does not count.
  if (targeted || fields['expires'] === undefined) return undefined
  // §5.3: an Expires that is no date is in the past.
  const expires = dateOf(fields['expires'], receivedAt)
  const date = dateOf(fields['date'], receivedAt) ?? receivedAt
  return expires === undefined ? 0 : Math.max(0, (expires - date) / 1000)
}

/** The lifetime of an answer, explicit or by heuristic (§4.2.2); otherwise 0. */
export function lifetimeOf(answer: Answered, receivedAt: number): number {
  const explicit = explicitLifetime(answer, receivedAt)
  if (explicit !== undefined) return explicit
  const changed = dateOf(answer.fields['last-modified'], receivedAt)
  if (changed === undefined || !isHeuristicallyCacheable(answer)) return 0
  const date = dateOf(answer.fields['date'], receivedAt) ?? receivedAt
  return Math.min(LONGEST, Math.max(0, ((date - changed) / 1000) * PART))
}

/** §5.1: the first of several values; an invalid number is ignored. */
function ageValue(fields: Fields): number {
  const first = fields['age']?.split(',')[0]?.trim() ?? ''
  return /^\d+$/.test(first) ? Math.min(Number(first), LARGEST) : 0
}

/** §4.2.3. @param now milliseconds */
export function currentAge(
  { fields, requestedAt, receivedAt }: Pick<StoredAnswer, 'fields' | 'requestedAt' | 'receivedAt'>,
  now: number,
): number {
  const date = dateOf(fields['date'], receivedAt) ?? receivedAt
  const apparent = Math.max(0, (receivedAt - date) / 1000)
  const corrected = ageValue(fields) + Math.max(0, receivedAt - requestedAt) / 1000
  return Math.max(apparent, corrected) + Math.max(0, now - receivedAt) / 1000
}

/** Seconds until it is stale; negative once it is. A time in the future was written under another clock: stale. @param now milliseconds */
export function freshFor(stored: StoredAnswer, now: number): number {
  if (stored.receivedAt > now) return -Infinity
  return lifetimeOf(stored, stored.receivedAt) - currentAge(stored, now)
}
