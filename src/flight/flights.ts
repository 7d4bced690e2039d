/** The flights of this process: one per key. */

import { KissError } from '../errors.js'
import { inFlight, type Download, type InFlight } from './list.js'
import { keyOf } from '../store/select.js'
import { isName } from '../store/names.js'
import type { KeyId } from '../store/types.js'
import { FAILURE_MEMORY } from './lease.js'
import { isRemembered } from './refusals.js'
import type { Order, Seed } from './subject.js'
import type { Collaborators } from './collaborators.js'
import { errorFrom, type Ending } from './ending.js'
import { Flight } from './flight.js'

/** Milliseconds: `Retry-After` for a client that finds the queue full. */
const BUSY = 30_000

export class Flights {
  readonly #collaborators: Collaborators
  readonly #current = new Map<KeyId, Flight>()
  /** The flights of `current`, and those that serve their readers after a purge or a change of content. */
  readonly #running = new Set<Flight>()
  #stopped = false

  constructor(collaborators: Collaborators) {
    this.#collaborators = collaborators
  }

  /** The flight of this key, which the caller has joined as a reader; `created`: by this call. */
  join(order: Order): { readonly flight: Flight; readonly created: boolean } {
    const current = this.#current.get(order.id)
    if (!current) this.#admit(order)
    const flight = current ?? this.#start(order)
    flight.join()
    return { flight, created: current === undefined }
  }

  /** Does this process download the first content of this key? Then there is no entry, until every byte has arrived. */
  isFirst(id: KeyId): boolean {
    const { order, state } = this.#current.get(id) ?? {}
    return order !== undefined && order.stale === undefined && order.replaces === undefined && state?.sum === undefined
  }

  /** Not purged, and not superseded. */
  isCurrent(flight: Flight): boolean {
    return this.#current.get(flight.order.id) === flight
  }

  /** A flight whose answer has arrived already. No other request joins it by its key; the caller has joined it. */
  begin(order: Order, seed: Seed): Flight {
    this.#admit(order)
    const flight = this.#start(order, seed)
    flight.join()
    return flight
  }

  /** Waits for a flight of this key that is storing its body; false if there is none. */
  async stored(id: KeyId): Promise<boolean> {
    const flight = this.#current.get(id)
    return flight?.state.sum !== undefined && (await flight.state.ended).kind === 'stored'
  }

  /** The download of this key under that lease of the cluster, if it runs in this process. */
  lent(id: KeyId, generation: number): Flight | undefined {
    const flight = this.#current.get(id)
    return flight?.state.loan?.generation === generation ? flight : undefined
  }

  /** If the queue is full, a download without a reader and without a byte is interrupted. */
  #admit({ shown }: Order): void {
    if (this.#stopped) throw closing()
    const most = this.#collaborators.settings.maxTransfers
    if (this.#running.size < most) return
    const idle = [...this.#running].find((flight) => flight.idle)
    if (!idle)
      throw new KissError('busy', `cannot fetch ${shown} now: ${most} other downloads are under way or waiting`, {
        retryAfter: BUSY,
      })
    this.#running.delete(idle)
    if (this.#current.get(idle.order.id) === idle) this.#current.delete(idle.order.id)
    void idle.stop()
  }

  #start(order: Order, seed?: Seed): Flight {
    const flight: Flight = new Flight({
      order,
      collaborators: this.#collaborators,
      seed,
      onChanged: (next, led) => {
        if (this.#stopped || this.#current.get(order.id) !== flight) return void next?.answer.discard()
        this.#current.delete(order.id)
        // The new content replaces the old one for its readers: it is downloaded even without a reader.
        if (next) this.#start({ ...led, stale: undefined, replaces: led.stale ?? led.replaces }, next)
      },
    })
    this.#current.set(order.id, flight)
    this.#running.add(flight)
    void flight.state.ended.then((ending) => {
      if (this.#current.get(order.id) === flight) this.#current.delete(order.id)
      this.#running.delete(flight)
      this.#account(flight, ending)
    })
    return flight
  }

  #account({ order, state }: Flight, ending: Ending): void {
    const { store, failures } = this.#collaborators
    if (ending.kind === 'interrupted') return
    if (ending.kind === 'failed') failures.note(order, errorFrom(ending.failure))
    // The process that downloads counts; followers do not.
    if (!state.leading) return
    const isBody = ending.kind === 'stored' || ending.kind === 'whole'
    if (isBody && !isName(state.head ?? {})) store.counters.add('successes', 1)
    if (ending.kind !== 'failed') return
    store.counters.add('failures', 1)
    this.#writeDown(order, errorFrom(ending.failure))
  }

  /** Downloads for the list of operators. */
  #writeDown({ shown, client, access, lent }: Order, failure: KissError): void {
    const { store, clock } = this.#collaborators
    const at = clock.now()
    const { code, message, status } = failure
    store.failures.add({
      url: shown,
      at,
      code,
      message,
      status,
      client,
      ...(isRemembered(failure) && { retryAt: at + FAILURE_MEMORY }),
      // The clients of a server do not see the URLs that a user of `kiss fetch` downloaded with an own credential.
      private: access === 'client' || (access === 'provider' && !(lent && !this.#collaborators.settings.ownUse)),
    })
  }

  /** Purges every content of this key: later requests start a new download; the readers of a flight get the whole body. */
  async purge(key: KeyId): Promise<void> {
    for (const id of this.#current.keys()) if (keyOf(id) === key) this.#current.delete(id)
    this.#collaborators.failures.forget(key)
    await this.#collaborators.leases.purge(key)
  }

  async purgeAll(): Promise<void> {
    await Promise.all([...this.#current.keys()].map((id) => this.purge(keyOf(id))))
    await this.#collaborators.leases.purgeAll()
  }

  /** The flights of this process, and those of all other processes on this directory. */
  async downloads(): Promise<Download[]> {
    const { store } = this.#collaborators
    const running = [...this.#running]
    const known = new Set(running.map(({ order }) => order.id))
    const [others, readers, segments] = await Promise.all([
      inFlight(store.layout.transfers, known),
      store.readers.elsewhere(),
      store.segments.elsewhere(),
    ])
    const overAll = (id: KeyId, download: Download): Download => ({
      ...download,
      readers: download.readers + (readers.get(id) ?? 0),
      connections: (download.connections ?? 0) + (segments.get(id) ?? 0),
    })
    return [
      ...running.map((flight) => overAll(flight.order.id, flight.describe())),
      ...others.map((other) => overAll(other.id, this.#elsewhere(other))),
    ]
  }

  #elsewhere({ owner, answered, received, length }: InFlight): Download {
    const { url, startedAt } = owner
    const state = answered ? 'downloading' : 'scheduled'
    return {
      url,
      state,
      received,
      length,
      readers: 0,
      startedAt,
      private: !this.#collaborators.isListed({ ...owner, shown: url }),
    }
  }

  /** Interrupts all flights so that other processes can continue them, and begins no more. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all([...this.#running].map((flight) => flight.stop()))
  }
}

export function closing(cause?: unknown): KissError {
  return new KissError('interrupted', 'kiss is shutting down', { cause })
}
