/** The stored answers of a URL, and those that are arriving: which of them a request selects, and under which id one is kept. */

import { accessOf } from '../../flight/access.js'
import type { Flight } from '../../flight/flight.js'
import { subordinateId, type Subject } from '../../flight/subject.js'
import { rangeWithin } from '../../http/caching/parts.js'
import type { Fields, StoredAnswer } from '../../http/caching/types.js'
import { isSelected } from '../../http/caching/vary.js'
import type { Entry, KeyId } from '../../store/types.js'

/** In the store, or on its way there. */
export type Candidate =
  | { readonly stored: StoredAnswer; readonly entry: Entry; readonly flight?: undefined }
  | { readonly stored: StoredAnswer; readonly flight: Flight; readonly entry?: undefined }

/** The id of an answer below that of its key: answers that no request could tell apart have the same. */
export function answerId(key: KeyId, { vary, part }: StoredAnswer): KeyId {
  const selection = Object.entries(vary).sort(([a], [b]) => (a < b ? -1 : 1))
  return subordinateId(key, JSON.stringify(['freshness: origin', selection, part !== undefined]))
}

/** May this client have what is stored without a question about its right? */
function isReadable({ provider, lent }: Subject, entry: Entry): boolean {
  const access = accessOf(entry, provider)
  return access === 'public' || (access === 'provider' && lent)
}

/** The answers that were stored as the origin says. */
export function candidatesIn(entries: readonly Entry[], subject: Subject): Candidate[] {
  return entries.flatMap((entry) =>
    entry.answer !== undefined && isReadable(subject, entry) ? [{ stored: entry.answer, entry }] : [],
  )
}

/** RFC 9111 §4.1: of those that the request selects, the latest; a part only where it has the bytes that are asked for. */
export function select(candidates: readonly Candidate[], fields: Fields): Candidate | undefined {
  const selected = candidates.filter(({ stored }) => isSelected(stored, fields))
  return latest(selected.filter(({ stored }) => stored.part === undefined || rangeWithin(fields, stored) !== undefined))
}

/** The stored beginning of what the request selects. */
export function beginning(candidates: readonly Candidate[], fields: Fields): Candidate | undefined {
  return latest(
    candidates.filter(({ stored, entry }) => entry && stored.part?.first === 0 && isSelected(stored, fields)),
  )
}

function latest(candidates: readonly Candidate[]): Candidate | undefined {
  return candidates.reduce<Candidate | undefined>(
    (last, one) => (last === undefined || one.stored.receivedAt > last.stored.receivedAt ? one : last),
    undefined,
  )
}
