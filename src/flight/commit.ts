/** Stores a whole body, unless its key was purged or its generation superseded meanwhile. */

import type { Times } from './cluster.js'
import type { Generation, Head } from './directory.js'
import { lifetimesFrom } from '../http/freshness.js'
import { withRoom } from '../store/slack.js'
import type { Entry } from '../store/types.js'
import { storageId, type Order } from './subject.js'
import type { Collaborators } from './collaborators.js'

/** Milliseconds: the lifetime of a body that only the end of its connection delimits. */
const UNVERIFIED_LIFETIME = 5 * 60_000

export interface WholeBody {
  readonly sha256: string
  readonly size: number
  readonly head: Head
  /** A length, a chunked end or a HEAD says that every byte came. */
  readonly delimited: boolean
  /** The path of the body; default: the body of the generation. */
  readonly file?: string
  /** The times of another node's entry for the same body. */
  readonly times?: Times | undefined
}

/**
 * Resolves with the stored entry, or with undefined if the body is not stored. Throws the errors of the disk. The sum is
 * written first: the process that continues after a crash finds the body, or the blob that it became, and does not download
 * it again. The remaining steps are in store/publish.ts.
 */
export async function commit(
  body: WholeBody,
  order: Order,
  generation: Generation,
  { store, leases, clock, settings }: Pick<Collaborators, 'store' | 'leases' | 'clock' | 'settings'>,
): Promise<Entry | undefined> {
  const { id } = order
  const isRevoked = async (): Promise<boolean> => {
    const [dropped, isLatest] = await Promise.all([generation.dropped(), leases.isLatest(id, generation)])
    return dropped || !isLatest
  }
  const storedId = storageId(order, body.head)
  const { sha256, size, delimited } = body
  // A length that was not announced is known only now.
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
  if (body.times !== undefined && store.isPurged(entry)) {
    await store.remove(entry.id, sha256)
    return undefined
  }
  if (settings.syncBodies) store.checked.sync(sha256)
  return entry
}

/** Two generations of a key can be in flight: each has a reservation of its own. */
export function reservationOf(id: string, generation: Generation): string {
  return `${id}.${generation.number}`
}

function entryOf({ sha256, size, head, delimited, times }: WholeBody, order: Order, now: number): Entry {
  const unverified = !delimited && order.promised !== sha256
  // The time of a file has fractions of a millisecond.
  const since = Math.floor(Math.min(head.confirmedAt ?? now, now))
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

/** The origin confirmed the entry now. A time in the future was written before the clock was set back: the true time is unknown. */
export function confirmed(entry: Entry, now: number, lifetime = entry.lifetime): Entry {
  return { ...entry, lifetime, ...lifetimesFrom(now, lifetime), storedAt: Math.min(entry.storedAt, now) }
}
