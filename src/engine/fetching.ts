/** One request from its URL to its answer: entry → resolution → serve, validate or forward. */

import { asKissError, KissError } from '../errors.js'
import { isFree, isLentOnce } from '../flight/access.js'
import { closing, type Flights } from '../flight/flights.js'
import { subjectOf } from '../flight/subject.js'
import type { UpstreamProvider } from '../provider/types.js'
import type { Store } from '../store/open.js'
import type { CounterName, Entry, ServedAs } from '../store/types.js'
import type { Credentials } from './credentials.js'
import type { FromFlight } from './from-flight.js'
import type { FromStore } from './from-store.js'
import type { RequestState } from './request-state.js'
import { resolve, type Resolution } from './resolution.js'
import type { Rights } from './rights.js'
import type { Artifact, Clock, FetchRequest } from './types.js'

/** Rounds of one request: each looks at the store anew after something changed under it. More is a livelock. */
const ROUNDS = 12

export interface FetchingOptions {
  readonly providers: readonly UpstreamProvider[]
  readonly credentials: Credentials
  readonly settings: { readonly ownUse: boolean }
  readonly rights: Rights
  readonly fromStore: FromStore
  readonly fromFlight: FromFlight
  readonly flights: Flights
  readonly store: Store
  readonly clock: Clock
}

export class Fetching {
  readonly #o: FetchingOptions
  #closing = false

  constructor(options: FetchingOptions) {
    this.#o = options
  }

  /** See Engine.fetch. */
  async fetch(request: FetchRequest): Promise<Artifact> {
    this.#count(request, 'requests')
    try {
      const artifact = await this.#answer({
        request,
        subject: subjectOf(request.url, request.headers, this.#o.providers, this.#o),
        signal: request.signal ?? new AbortController().signal,
        since: this.#o.clock.monotonic(),
        came: performance.now(),
        confirmed: false,
        refusals: 0,
      })
      this.#count(request, `requests_${artifact.as}`)
      return artifact
    } catch (error) {
      this.#count(request, 'requests_failed')
      const failure = asKissError(await this.#o.store.explain(error))
      // A request that finds the store closed has not failed by itself.
      const isOurs = failure.code === 'internal' || failure.code === 'disk'
      throw this.#closing && isOurs ? closing(error) : failure
    }
  }

  /** Ends every flight; requests under way end with `interrupted`. */
  async close(): Promise<void> {
    this.#closing = true
    this.#o.rights.stop(closing())
    await this.#o.flights.stop()
  }

  #count({ internal }: FetchRequest, name: CounterName): void {
    if (internal !== true) this.#o.store.counters.add(name, 1)
  }

  async #answer(state: RequestState): Promise<Artifact> {
    const { shown } = state.subject
    // Each refusal of another client's credential allows one round more, so that this client's own is tried.
    for (let round = 0; round < ROUNDS + state.refusals; round++) {
      state.signal.throwIfAborted()
      const artifact = await this.#answerOnce(state)
      if (artifact) return artifact
    }
    throw new KissError('internal', `cannot fetch ${shown}: it changed ${ROUNDS} times while it was looked up`)
  }

  /** undefined: something changed meanwhile; look at the store again. */
  async #answerOnce(state: RequestState): Promise<Artifact | undefined> {
    const { store, fromStore, fromFlight, flights } = this.#o
    const { subject } = state
    const entry = await store.entries.get(subject.id)
    if (!entry || !isFree(subject, entry)) {
      const kept = await fromStore.keptFor(state)
      if (kept) return kept
    }
    const resolution = this.#resolve(state, entry)
    switch (resolution.kind) {
      case 'unavailable':
        // A body that is being stored at this moment counts as there.
        if (await flights.stored(subject.id)) return undefined
        throw new KissError('offline', `${subject.shown} is not in the cache`)
      case 'serve':
        return this.#serve(
          state,
          resolution.entry,
          state.confirmed ? 'revalidated' : resolution.stale ? 'stale' : 'hit',
        )
      case 'validate':
        return fromFlight.forward(state, resolution.entry)
      case 'forward':
        return fromFlight.forward(state, undefined)
    }
  }

  #resolve({ request, since }: RequestState, entry: Entry | undefined): Resolution {
    const { clock } = this.#o
    const now = clock.now()
    return resolve({
      entry,
      now,
      since: now - (clock.monotonic() - since),
      ttl: request.ttl,
      refresh: request.refresh ?? false,
      offline: request.offline ?? false,
    })
  }

  /** undefined: the blob is gone, or the origin gives this client another content. */
  async #serve(state: RequestState, entry: Entry, as: ServedAs): Promise<Artifact | undefined> {
    const { rights, fromStore, fromFlight } = this.#o
    const { subject, request, signal } = state
    // No stored body can stand for a credential that is lent to one request.
    if (isLentOnce(subject) && !isFree(subject, entry)) return fromFlight.lentOnce(state)
    const asking = { signal, offline: request.offline, insists: request.refresh }
    const right = await rights.mayRead(subject, entry, asking)
    if (right === 'other') return fromFlight.other(state, entry)
    if (right === 'free') return fromStore.open(state, entry, as, undefined)
    await fromStore.publicise(subject, entry)
    return fromStore.open(state, entry, as, 'authorised')
  }
}
