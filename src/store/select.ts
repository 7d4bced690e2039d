/** The entries that the filters of an operator select; pure. */

import { isFresh } from '../http/freshness.js'
import { globPattern } from '../http/glob.js'
import type { Entry, KeyId } from './types.js'

/** Selects the entries that match all given filters; without a filter none. */
export interface Selection {
  readonly all?: boolean
  /** Ids of entries or of keys, or beginnings of them; a key means each of its entries. */
  readonly ids?: readonly KeyId[]
  readonly stale?: boolean
  /** Milliseconds since the epoch: entries that were stored later are not selected. */
  readonly before?: number
  /** Milliseconds since stored. */
  readonly olderThan?: number
  /** Milliseconds since last used. */
  readonly unusedFor?: number
  /** A glob over the whole canonical URL without query; `*` stops at `/`, `**` does not. */
  readonly match?: string
  /** Bytes. */
  readonly largerThan?: number
}

/** Characters of the id of a key. */
const ID_LENGTH = 64

export function selects(selection: Selection, now: number): (entry: Entry) => boolean {
  const { all, ids, stale, before, olderThan, unusedFor, match, largerThan } = selection
  const tests: ((entry: Entry) => boolean)[] = []
  if (all === true) tests.push(() => true)
  if (ids !== undefined) {
    const whole = new Set(ids)
    const beginnings = ids.filter((id) => id.length < ID_LENGTH)
    tests.push(
      ({ id }) => whole.has(id) || whole.has(keyOf(id)) || beginnings.some((beginning) => id.startsWith(beginning)),
    )
  }
  if (stale === true) tests.push((entry) => !isFresh(entry, { now }))
  if (olderThan !== undefined) tests.push((entry) => isBefore(entry.storedAt, now, olderThan))
  if (unusedFor !== undefined) tests.push((entry) => isBefore(entry.lastUsedAt, now, unusedFor))
  if (largerThan !== undefined) tests.push((entry) => entry.size > largerThan)
  if (match !== undefined) {
    const pattern = globPattern(match)
    tests.push((entry) => pattern.test(withoutQuery(entry.url)))
  }
  return (entry) => tests.length > 0 && entry.storedAt <= (before ?? Infinity) && tests.every((test) => test(entry))
}

/** The id of the key that an entry belongs to. */
export function keyOf(id: KeyId): KeyId {
  return id.split('-', 1)[0] ?? id
}

/** Milliseconds: an entry may be used, or stored, while the selection that began at `now` still runs. */
const RUNNING = 60_000

/**
 * Was it longer ago than `span` milliseconds? A time in the future was written before the clock was set back, and counts as
 * long ago.
 */
function isBefore(at: number, now: number, span: number): boolean {
  return now - at > span || at > now + RUNNING
}

/** The part of a URL to which globs apply. */
export function withoutQuery(url: string): string {
  const end = url.search(/[?#]/)
  return end === -1 ? url : url.slice(0, end)
}
