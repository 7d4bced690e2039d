/** Takes the rest of a body whose beginning the readers have from a blob that another process stored. */

import { systemCode } from '../errors.js'
import type { Store } from '../store/open.js'
import type { KeyId } from '../store/types.js'
import { errorOf, type Ending } from './ending.js'
import { agrees, type FlightState } from './state.js'

/** The ending of the flight for them; undefined if the rest is not stored and has to be downloaded. */
export async function complete(
  ending: Ending,
  state: FlightState,
  id: KeyId,
  store: Store,
): Promise<Ending | undefined> {
  const { body, head, shown } = state
  if (errorOf(ending, shown) || body.ended) return ending
  const hasBody = ending.kind === 'stored' || ending.kind === 'whole'
  if (!head) return ending.kind === 'stored' ? { kind: 'present' } : hasBody ? undefined : ending
  if (hasBody && ending.size === body.size) return ending
  const entry = ending.kind === 'stored' ? state.entry : await store.entries.reload(id)
  const wanted = ending.kind !== 'whole' || ending.sha256 === entry?.sha256
  const blob = entry && wanted ? await store.open(entry) : undefined
  if (!entry || !blob) return undefined
  try {
    const same = agrees(head, { headers: entry.headers, length: entry.size })
    if (!same || !(await body.exchange(blob.path))) return { kind: 'changed' }
    body.grow(entry.size)
    state.entry = entry
    return { kind: 'stored', sha256: entry.sha256, size: entry.size }
  } catch (error) {
    // Evicted between the two looks.
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  } finally {
    await blob.close()
  }
}
