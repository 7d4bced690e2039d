/** The rest of a body whose beginning readers here have, taken from the blob that somebody else made of the whole. */

import { systemCode } from '../errors.js'
import type { Head } from './directory.js'
import type { GrowingBody } from './body.js'
import type { Store } from '../store/open.js'
import type { Order } from './order.js'
import { unequal } from './resume.js'
import { changedError, type Settled } from './ending.js'

/** What readers here have. */
interface Begun {
  readonly order: Order
  readonly head: Head | undefined
  readonly body: GrowingBody
}

/** How the transfer ends for them; undefined: the rest is nowhere, and has to be downloaded. */
export async function complete(
  settled: Settled,
  { order, head, body }: Begun,
  store: Store,
): Promise<Settled | undefined> {
  if ('error' in settled || body.ended) return settled
  if (!head) return settled.kind === 'stored' ? { kind: 'present' } : settled.kind === 'whole' ? undefined : settled
  if (settled.kind === 'stored' && settled.entry.size === body.size) return settled
  if (settled.kind === 'whole' && settled.size === body.size) return settled
  const entry = settled.kind === 'stored' ? settled.entry : await store.entries.reload(order.id)
  const wanted = settled.kind !== 'whole' || settled.sha256 === entry?.sha256
  const blob = entry && wanted ? await store.open(entry) : undefined
  if (!entry || !blob) return undefined
  try {
    const same = agrees(head, { headers: entry.headers, length: entry.size })
    if (!same || !(await body.exchange(blob.path))) return { kind: 'changed', error: changedError(order.shown) }
    body.grow(entry.size)
    return { kind: 'stored', entry }
  } catch (error) {
    // Evicted between the two looks.
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  } finally {
    await blob.close()
  }
}

/** Is this the head of what readers were told of already? */
export function agrees(known: Head | undefined, { headers, length }: Pick<Head, 'headers' | 'length'>): boolean {
  return !known || !(unequal(known.length, length) || unequal(known.headers.etag, headers.etag))
}
