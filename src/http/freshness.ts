/** Fresh or stale, and how old: a TTL, as in KissCache, not Cache-Control (RFC 9111 §4.2 allows a cache its own rule). Pure. */

/** The times of an entry; milliseconds since the epoch. */
export interface Lifetimes {
  /** When the origin last confirmed the bytes; when they were stored, at first. */
  readonly validatedAt: number
  readonly staleAt: number
}

export interface FreshnessQuestion {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Milliseconds: nothing older than this, for this request alone. */
  readonly ttl?: number | undefined
}

/** A time in the future was written under a clock that has been set back since: its age is unknown, and the entry stale. */
export function isFresh(entry: Lifetimes, { now, ttl }: FreshnessQuestion): boolean {
  const age = now - entry.validatedAt
  return age >= 0 && now < entry.staleAt && (ttl === undefined || age <= ttl)
}

/** Seconds since stored or validated, for Age (RFC 9111 §5.1); 0 when a clock was set back. */
export function ageSeconds(entry: Pick<Lifetimes, 'validatedAt'>, now: number): number {
  return Math.max(0, Math.floor((now - entry.validatedAt) / 1000))
}

/** Whole seconds until the entry is stale; negative once it is. */
export function remainingSeconds(entry: Lifetimes, now: number): number {
  return Math.trunc((entry.staleAt - now) / 1000)
}

/** The times of an entry that is stored or confirmed now. A confirmation renews by the lifetime of the entry. */
export function lifetimesFrom(now: number, lifetime: number): Lifetimes {
  return { validatedAt: now, staleAt: now + lifetime }
}
