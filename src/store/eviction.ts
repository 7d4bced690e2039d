/** Selects the blobs to evict when a reservation needs space; pure. */

import type { Sha256 } from './types.js'

export interface Candidate {
  readonly sha256: Sha256
  /** Bytes that it takes, entries included. */
  readonly cost: number
  /** Milliseconds since the epoch: the latest use of any entry that names it. */
  readonly lastUsedAt: number
}

/** The least recently used blobs that add up to `bytes`; all blobs if they are smaller. */
export function chooseVictims(candidates: readonly Candidate[], bytes: number): Candidate[] {
  const victims: Candidate[] = []
  let freed = 0
  for (const candidate of [...candidates].sort((a, b) => a.lastUsedAt - b.lastUsedAt)) {
    if (freed >= bytes) break
    victims.push(candidate)
    freed += candidate.cost
  }
  return victims
}

/** Bytes, as the ledger has them at the time of a reservation. */
export interface Room {
  readonly quota: number
  /** Blobs that are not being removed. */
  readonly kept: number
  /** Blobs that are being removed at this moment. */
  readonly leaving: number
  /** Bytes that other reservations may write now. */
  readonly granted: number
  /** Bytes that other reservations may write in total. */
  readonly promised: number
  /** Blobs that no process may evict; part of `kept`. */
  readonly pinned: number
}

export type RoomPlan =
  /** It fits, or will fit when the removals under way have ended. */
  | { readonly do: 'wait' }
  /** It fits if the promises of other downloads lapse. */
  | { readonly do: 'wait-for-promises' }
  | { readonly do: 'evict'; readonly bytes: number }
  /** Even an empty cache could not hold it. */
  | { readonly do: 'refuse-size' }
  /** The downloads in flight leave no room for it, even if all blobs were evicted. */
  | { readonly do: 'refuse-busy' }
  /** The pinned entries leave no room for it, even if all other blobs were evicted. */
  | { readonly do: 'refuse-pinned' }

/** Decides about a reservation of `cost` that did not fit, and of which `ahead` shall be granted. */
export function planRoom(cost: number, ahead: number, room: Room): RoomPlan {
  if (cost > room.quota) return { do: 'refuse-size' }
  if (cost + room.pinned > room.quota) return { do: 'refuse-pinned' }
  if (cost + room.granted + room.pinned > room.quota) return { do: 'refuse-busy' }
  if (cost + room.promised > room.quota) return { do: 'wait-for-promises' }
  const missing = room.kept + room.granted + ahead - room.quota
  return missing > 0 ? { do: 'evict', bytes: missing } : { do: 'wait' }
}
