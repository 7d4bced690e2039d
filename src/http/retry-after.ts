/** Retry-After, RFC 9110 §10.2.3: seconds or a date, to milliseconds and back. Pure. */

import { parseHttpDate } from './dates.js'

/** Milliseconds from `now` (since the epoch); undefined for any other text. A date in the past means now. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  const text = value?.trim()
  if (text === undefined) return undefined
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1000
  const date = parseHttpDate(text, now)
  return date === undefined ? undefined : Math.max(0, date - now)
}

/** Whole seconds, at least one: after 0 a client would retry at once. */
export function formatRetryAfter(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)))
}
