/** Builds answers under `freshness: origin`: from the store, or while they arrive. */

import type { CacheStatus } from '../../http/cache-status.js'
import { currentAge } from '../../http/caching/freshness.js'
import type { StoredAnswer } from '../../http/caching/types.js'
import { errorOf } from '../../flight/ending.js'
import type { Flight } from '../../flight/flight.js'
import type { Store } from '../../store/open.js'
import { growingArtifact } from '../artifacts.js'
import type { RequestState } from '../request-state.js'
import type { Artifact } from '../types.js'
import { unlessAborted } from '../../waits.js'

/** @param now milliseconds */
export function storedAnswer(
  artifact: Artifact,
  stored: StoredAnswer,
  { cache, now }: { readonly cache: CacheStatus; readonly now: number },
): Artifact {
  const { status, fields, part } = stored
  return { ...artifact, answer: { status, fields, part, cache, age: Math.floor(currentAge(stored, now)) } }
}

export interface Growing {
  readonly state: RequestState
  /** The flight; the request has joined it already if it began it. */
  readonly flight: Flight
  readonly stored: StoredAnswer
  /** The request began the flight. */
  readonly own: boolean
}

/** undefined: the flight ended without bytes for this client, and the store has to be read again. */
export async function growingAnswer(
  { state, flight, stored, own }: Growing,
  { store }: { readonly store: Store },
): Promise<Artifact | undefined> {
  const { request, signal } = state
  if (!own) flight.join()
  try {
    await unlessAborted(flight.state.decided, signal)
    if (flight.state.head?.length === 0) await unlessAborted(flight.state.ended, signal)
    const { ending, head } = flight.state
    const error = ending && errorOf(ending, flight.order.shown)
    if (error) {
      if (own) throw error
      return undefined
    }
    if (!head) return undefined
    const { status, fields, part } = stored
    const cache: CacheStatus = own
      ? { fwd: 'uri-miss', fwdStatus: status, stored: flight.storedAs !== undefined }
      : { fwd: 'uri-miss', collapsed: true }
    const promised = request.sha256 ?? head.sha256
    const reading = { signal: request.signal, patience: request.patience, promised }
    const artifact = growingArtifact(flight, own ? 'miss' : 'collapsed', undefined, reading, { store })
    return { ...artifact, answer: { status, fields, part, cache, age: undefined } }
  } finally {
    // An artifact holds its own membership of the flight.
    await flight.leave()
  }
}
