/** A download of this node that another node reads: led by this process, or followed from another process of the node. */

import { open } from 'node:fs/promises'
import { unlessMissing } from '../store/files.js'
import type { Access, KeyId } from '../store/types.js'
import { generationsOf, type Head } from './directory.js'
import { follow } from './follow.js'
import type { Flights } from './flights.js'
import type { Leases } from './lease.js'
import { FlightState } from './state.js'

export interface LentFlight {
  readonly state: FlightState
  readonly access: Access
  /** Milliseconds. */
  readonly lifetime: number
  /** Once. */
  leave(): Promise<void>
}

export interface Lender {
  readonly flights: Flights
  readonly leases: Leases
}

/**
 * Joins the download that this node leads under a lease of the cluster; undefined if it leads none. It starts no download, and
 * lends no bytes that come from another node: every node reads from the holder of the lease.
 */
export async function lentFlight(id: KeyId, generation: number, lender: Lender): Promise<LentFlight | undefined> {
  const flight = lender.flights.lent(id, generation)
  if (!flight) return followed(id, generation, lender)
  flight.join()
  const { lifetime = 0 } = flight.state.loan ?? {}
  return { state: flight.state, access: flight.state.access, lifetime, leave: () => flight.leave() }
}

async function followed(id: KeyId, number: number, { leases }: Lender): Promise<LentFlight | undefined> {
  const generation = (await generationsOf(leases.directoryOf(id))).at(-1)
  const [loan, held] = await Promise.all([generation?.loan(), generation?.owner(leases.monotonic())])
  if (!generation || !held || loan?.generation !== number) return undefined
  const { access = 'client' } = held.owner
  const state = new FlightState(held.owner.url, access)
  const stop = new AbortController()
  void follow({ generation, state, leases, signal: stop.signal })
    .catch(() => 'lost' as const)
    .then((ending) => {
      const isShort = ending !== 'lost' && 'size' in ending && ending.size !== state.body.size
      state.end(ending === 'lost' || isShort ? { kind: 'interrupted' } : ending)
    })
  state.body.use()
  return {
    state,
    access,
    lifetime: loan.lifetime,
    leave: async () => {
      stop.abort()
      await state.body.close()
    },
  }
}

/** The bytes of an unfinished download, as many as there are at this moment. */
export interface Part {
  readonly head: Head
  /** Displayable. */
  readonly url: string
  readonly access: Access
  readonly size: number
  /** See Content.read: 0 at the end of the bytes that are here. */
  read(buffer: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

/** undefined if there is none. */
export async function partOf(id: KeyId, { leases }: Pick<Lender, 'leases'>): Promise<Part | undefined> {
  const generation = (await generationsOf(leases.directoryOf(id))).at(-1)
  if (!generation || (await generation.dropped())) return undefined
  const [head, held] = await Promise.all([generation.head(), generation.owner(leases.monotonic())])
  const file = head && held && (await unlessMissing(open(generation.bodyPath, 'r')))
  if (!file) return undefined
  const { size } = await file.stat()
  const { url, access = 'client' } = held.owner
  return {
    head,
    url,
    access,
    size,
    async read(buffer, position) {
      const length = Math.min(buffer.length, size - position)
      return length <= 0 ? 0 : (await file.read(buffer, 0, length, position)).bytesRead
    },
    close: () => file.close(),
  }
}
