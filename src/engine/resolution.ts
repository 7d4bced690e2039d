/** The cache decision for a request and the stored entry. Pure. */

import type { KissError } from '../errors.js'
import { isFresh } from '../http/freshness.js'
import type { Entry } from '../store/types.js'
import { formatRoughly } from '../units.js'

export interface Question {
  readonly entry: Entry | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Time of arrival of the request, in milliseconds since the epoch of `now`. A later confirmation satisfies any condition of age. */
  readonly since: number
  /** Milliseconds. */
  readonly ttl: number | undefined
  readonly refresh: boolean
  readonly offline: boolean
}

export type Resolution =
  | { readonly kind: 'serve'; readonly entry: Entry; readonly stale: boolean }
  | { readonly kind: 'validate'; readonly entry: Entry }
  | { readonly kind: 'forward' }
  /** Offline, and there is no entry. */
  | { readonly kind: 'unavailable' }

export function resolve({ entry, now, since, ttl, refresh, offline }: Question): Resolution {
  if (!entry) return { kind: offline ? 'unavailable' : 'forward' }
  const confirmed = entry.validatedAt >= since && entry.validatedAt <= now
  const fresh = confirmed || (!refresh && isFresh(entry, { now, ttl }))
  if (fresh || offline) return { kind: 'serve', entry, stale: !isFresh(entry, { now }) && !confirmed }
  return { kind: 'validate', entry }
}

/** The decision as text, for --verbose. @param now milliseconds since the epoch */
export function decision(resolution: Resolution, now: number): string {
  if (resolution.kind === 'forward') return 'not in the cache'
  if (resolution.kind === 'unavailable') return 'not in the cache, and no origin may be asked'
  const { storedAt, staleAt } = resolution.entry
  const stored = `in the cache, stored at ${new Date(storedAt).toISOString()}`
  if (resolution.kind === 'validate') return `${stored}; the origin is asked whether it has changed`
  const rest = staleAt - now
  return `${stored}, ${rest > 0 ? `fresh for ${formatRoughly(rest)}` : `stale for ${formatRoughly(-rest)}`}`
}

/** Codes of a failing origin. A refusal is not among them. */
const trouble: ReadonlySet<string> = new Set(['origin-failed', 'origin-unreachable', 'origin-timeout'])

/** RFC 5861 §4, with the operator's lifetime: may the entry be served although the origin could not confirm it? */
export function mayServeStale(entry: Entry, error: KissError, now: number, staleIfError: number): boolean {
  return trouble.has(error.code) && now < entry.staleAt + staleIfError
}
