/** Makes a whole body visible, unless it was purged or superseded on the way. */

import type { Times } from './cluster.js'
import type { Generation, Head } from './directory.js'
import { lifetimesFrom } from '../http/freshness.js'
import { withRoom } from '../store/room.js'
import type { Entry } from '../store/types.js'
import { storageId, type Order } from './order.js'
import type { Collaborators } from './collaborators.js'

/** Milliseconds that a body is kept of which nothing but the end of the connection says that it is whole. */
const UNVERIFIED_LIFETIME = 5 * 60_000

export interface WholeBody {
  readonly sha256: string
  readonly size: number
  readonly head: Head
  /** A length, a chunked end or a HEAD says that every byte came. */
  readonly delimited: boolean
  /** Where it is; default: the body of the generation. */
  readonly file?: string
  /** Of the entry that another node has of the same body. */
  readonly times?: Times | undefined
}

/**
 * Resolves with the stored entry, or with undefined where the body is not to be kept. Throws what the disk throws. The sum
 * is written first: whoever continues after a crash finds the body, or the blob that it has become, and need not download
 * it again. The rest of the order is the store's (publish.ts).
 */
export async function commit(
  body: WholeBody,
  order: Order,
  generation: Generation,
  { store, leases, clock, settings }: Pick<Collaborators, 'store' | 'leases' | 'clock' | 'settings'>,
): Promise<Entry | undefined> {
  const { id } = order
  const isRevoked = async (): Promise<boolean> =>
    (await generation.purged()) || !(await leases.isLatest(id, generation))
  const storedId = storageId(order, body.head)
  const { sha256, size, delimited } = body
  // A length that nobody announced is known only now.
  if (storedId === undefined || size > (order.maxSize ?? Infinity) || (await isRevoked())) return undefined
  await withRoom(store.space, () => generation.setSum({ sha256, size, delimited }))
  const isAlone = order.alone || storedId !== id
  const lifetime = isAlone ? Math.min(order.lifetime, settings.authTtl) : order.lifetime
  const noted = entryOf(body, { ...order, id: storedId, lifetime }, clock.now())
  const entry = order.finish ? order.finish(noted) : noted
  if (entry === undefined) return undefined
  const stored = await store.publish(body.file ?? generation.bodyPath, entry, {
    reservation: reservationOf(id, generation),
    isRevoked,
  })
  if (!stored) return undefined
  if (settings.syncBodies) store.checked.sync(sha256)
  return entry
}

/** Two generations of a key may be in flight: each has a reservation of its own. */
export function reservationOf(id: string, generation: Generation): string {
  return `${id}.${generation.number}`
}

function entryOf({ sha256, size, head, delimited, times }: WholeBody, order: Order, now: number): Entry {
  const unverified = !delimited && order.promised !== sha256
  const since = Math.min(head.confirmedAt ?? now, now)
  const lifetime = unverified ? Math.min(order.lifetime, UNVERIFIED_LIFETIME) : order.lifetime
  return {
    id: order.id,
    url: order.shown,
    sha256,
    size,
    headers: head.headers,
    source: head.source,
    resource: head.resource,
    storedAt: now,
    validatedAt: since,
    staleAt: since + lifetime,
    lifetime,
    lastUsedAt: now,
    hits: 0,
    private: order.access === 'client',
    access: order.access,
    unverified,
    ...times,
  }
}

/** The origin confirmed it now. What was stored in the future was stored before the clock was set back: nobody knows when. */
export function confirmed(entry: Entry, now: number, lifetime = entry.lifetime): Entry {
  return { ...entry, lifetime, ...lifetimesFrom(now, lifetime), storedAt: Math.min(entry.storedAt, now) }
}
