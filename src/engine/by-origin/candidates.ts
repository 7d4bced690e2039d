/** The answers of a URL, stored or in flight: the one that a request selects, and the id of each. */

import { accessOf } from '../../flight/access.js'
import type { Flight } from '../../flight/flight.js'
import { subordinateId, type Subject } from '../../flight/subject.js'
import { rangeWithin } from '../../http/caching/parts.js'
import type { Fields, StoredAnswer } from '../../http/caching/types.js'
import { isSelected } from '../../http/caching/vary.js'
import type { Entry, KeyId } from '../../store/types.js'

/** Stored, or in flight to the store. */
export type Candidate =
  | { readonly stored: StoredAnswer; readonly entry: Entry; readonly flight?: undefined }
  | { readonly stored: StoredAnswer; readonly flight: Flight; readonly entry?: undefined }

/** The id of an answer below that of its key: equal for answers that the same requests select. */
export function answerId(key: KeyId, { vary, part }: StoredAnswer): KeyId {
  const selection = Object.entries(vary).sort(([a], [b]) => (a < b ? -1 : 1))
  return subordinateId(key, JSON.stringify(['freshness: origin', selection, part !== undefined]))
}

/** May this client read the stored answer without a probe? */
function isReadable({ provider, lent }: Subject, entry: Entry): boolean {
  const access = accessOf(entry, provider)
  return access === 'public' || (access === 'provider' && lent)
}

/** The answers that were stored under `freshness: origin`. */
export function candidatesIn(entries: readonly Entry[], subject: Subject): Candidate[] {
  return entries.flatMap((entry) =>
    entry.answer !== undefined && isReadable(subject, entry) ? [{ stored: entry.answer, entry }] : [],
  )
}

/** RFC 9111 §4.1: the latest answer that the request selects; a part only if it has the requested bytes. */
export function select(candidates: readonly Candidate[], fields: Fields): Candidate | undefined {
  const selected = candidates.filter(({ stored }) => isSelected(stored, fields))
  return latest(selected.filter(({ stored }) => stored.part === undefined || rangeWithin(fields, stored) !== undefined))
}

/** The stored beginning of the answer that the request selects. */
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
