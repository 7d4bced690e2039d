/**
 * Requests under `freshness: origin` (RFC 9111): the stored answers of the URL → the decision (http/caching) → serve, validate
 * or forward. Every body that is stored comes through a flight.
 */

import { KissError } from '../../errors.js'
import type { Flight } from '../../flight/flight.js'
import type { Flights } from '../../flight/flights.js'
import { keyOf } from '../../store/select.js'
import { decide, type Decision } from '../../http/caching/decision.js'
import { freshFor } from '../../http/caching/freshness.js'
import type { KeyId } from '../../store/types.js'
import type { CacheStatus } from '../../http/cache-status.js'
import type { StoredAnswer } from '../../http/caching/types.js'
import type { ServedAs } from '../../store/types.js'
import type { Store } from '../../store/open.js'
import type { FromStore } from '../from-store.js'
import type { RequestState } from '../request-state.js'
import type { Clock } from '../../clock.js'
import type { Artifact } from '../types.js'
import { growingAnswer, storedAnswer } from './answers.js'
import { askedOf, type Asked } from './asked.js'
import { beginning, candidatesIn, select, type Candidate } from './candidates.js'
import type { Exchange, Outcome } from './exchange.js'
import { keyOfRequest, Shared } from './shared.js'

/** Maximum rounds of one request. Each round reads the store again after a concurrent change. */
const ROUNDS = 6

export interface ByOriginOptions {
  readonly store: Store
  readonly clock: Clock
  readonly fromStore: FromStore
  readonly exchange: Exchange
  readonly flights: Flights
  /** No origin is ever contacted. */
  readonly sealed: boolean
}

export class ByOrigin {
  readonly #o: ByOriginOptions
  /** Answers in flight that will be stored. */
  readonly #growing = new Map<KeyId, Set<Candidate>>()
  readonly #shared = new Shared<Outcome>()

  constructor(options: ByOriginOptions) {
    this.#o = options
  }

  /** The answer to one request; throws KissError if there is none. */
  async fetch(state: RequestState): Promise<Artifact> {
    for (let round = 0; round < ROUNDS; round++) {
      state.signal.throwIfAborted()
      // The time of the request is read from the wall clock, which may have been set during the last round.
      const asked = askedOf(state, this.#o)
      const artifact = await this.#round(state, asked, round)
      if (artifact) return artifact
    }
    throw new KissError(
      'internal',
      `cannot fetch ${state.subject.shown}: it changed ${ROUNDS} times while it was looked up`,
    )
  }

  /** undefined: the store changed meanwhile, and has to be read again. */
  async #round(state: RequestState, asked: Asked, round: number): Promise<Artifact | undefined> {
    const { clock, store } = this.#o
    const { subject } = state
    const key = keyOf(subject.id)
    const stored = candidatesIn(await store.entries.below(key), subject)
    const now = clock.now()
    const found = select([...stored, ...this.#arriving(key)], asked.fields)
    const decision = this.#decide(asked, found?.stored, now)
    switch (decision.kind) {
      case 'unavailable':
        throw new KissError('offline', `${subject.shown} is not in the cache`)
      case 'serve':
        if (found === undefined) return undefined
        if (decision.stale && decision.refresh && found.entry) this.#refresh(state, asked, found)
        return this.#serve(state, found, { now, decision, validated: round > 0 })
      default: {
        // An answer in flight cannot be validated yet.
        const stale = found?.entry ? found : undefined
        const begun =
          stale === undefined && asked.fields['range'] === undefined ? beginning(stored, asked.fields) : undefined
        return this.#ask(state, asked, stale, begun)
      }
    }
  }

  #decide(asked: Asked, stored: StoredAnswer | undefined, now: number): Decision {
    if (!asked.offline) return decide({ asked, stored, now, since: asked.since, maxAge: asked.maxAge })
    if (stored === undefined) return { kind: 'unavailable' }
    return freshFor(stored, now) > 0 ? { kind: 'serve', stale: false } : { kind: 'serve', stale: true, refresh: false }
  }

  async #serve(
    state: RequestState,
    { entry, flight, stored }: Candidate,
    how: { readonly now: number; readonly decision: Decision & { kind: 'serve' }; readonly validated: boolean },
  ): Promise<Artifact | undefined> {
    if (flight !== undefined) return growingAnswer({ state, flight, stored, own: false }, this.#o)
    const { stale } = how.decision
    const ttl = Math.trunc(freshFor(stored, how.now))
    const as: ServedAs = how.validated ? 'revalidated' : stale ? 'stale' : 'hit'
    const cache: CacheStatus = how.validated
      ? { fwd: 'stale', fwdStatus: 304, ttl }
      : { hit: true, ttl, ...(stale && { detail: 'stale' }) }
    const artifact = await this.#o.fromStore.open(state, entry, as, undefined)
    return artifact && storedAnswer(artifact, stored, { cache, now: how.now })
  }

  /** Sends the request to the origin, or waits for an equal request. */
  async #ask(
    state: RequestState,
    asked: Asked,
    stale: Candidate | undefined,
    begun: Candidate | undefined,
  ): Promise<Artifact | undefined> {
    const ask = (from: Candidate | undefined): Promise<Outcome> => this.#exchange(state, asked, stale, from)
    const shared = await this.#shared.join(keyOfRequest(state, asked), state.signal, () => ask(begun))
    // The bytes of an exchange that is not stored are for one client.
    const isForAnother = shared?.own === false && shared.outcome.kind === 'passing'
    const { outcome, own } =
      shared && !isForAnother ? shared : { outcome: await ask(isForAnother ? undefined : begun), own: true }
    switch (outcome.kind) {
      case 'changed':
        return undefined
      case 'growing':
        return growingAnswer({ ...outcome, state, own }, this.#o)
      case 'trouble':
        return this.#inTrouble(state, outcome)
      case 'passing':
        return outcome.artifact
    }
  }

  async #exchange(
    state: RequestState,
    asked: Asked,
    stale: Candidate | undefined,
    begun: Candidate | undefined,
  ): Promise<Outcome> {
    const outcome = await this.#o.exchange.ask({ state, asked, stale: stale?.entry, begun: begun?.entry })
    if (outcome.kind === 'growing') this.#note(keyOf(state.subject.id), outcome)
    return outcome
  }

  /** A part serves its own request only; a purged answer serves its readers only. */
  #arriving(key: KeyId): Candidate[] {
    return [...(this.#growing.get(key) ?? [])].filter(
      ({ stored, flight }) => stored.part === undefined && flight !== undefined && this.#o.flights.isCurrent(flight),
    )
  }

  /** Later requests may be answered from the flight. */
  #note(key: KeyId, candidate: { readonly flight: Flight; readonly stored: StoredAnswer }): void {
    const growing = this.#growing.get(key) ?? new Set<Candidate>()
    const { flight, stored } = candidate
    const one: Candidate = { flight, stored }
    this.#growing.set(key, growing.add(one))
    void flight.state.ended.then(() => {
      growing.delete(one)
      if (growing.size === 0 && this.#growing.get(key) === growing) this.#growing.delete(key)
    })
  }

  /** Serves a stored answer that the origin could not confirm. */
  async #inTrouble(
    state: RequestState,
    { entry, stored }: Outcome & { kind: 'trouble' },
  ): Promise<Artifact | undefined> {
    const now = this.#o.clock.now()
    const artifact = await this.#o.fromStore.open(state, entry, 'stale', 'stale-if-error')
    const cache: CacheStatus = { hit: true, ttl: Math.trunc(freshFor(stored, now)), detail: 'stale-if-error' }
    return artifact && storedAnswer(artifact, stored, { cache, now })
  }

  /** RFC 5861 §3: validates after the answer to the client. A failure is repeated with the next request. */
  #refresh(state: RequestState, asked: Asked, stale: Candidate): void {
    const { signal } = new AbortController()
    const unconditional: Asked = { ...asked, method: 'GET' }
    void this.#shared
      .join(keyOfRequest(state, unconditional), signal, () => this.#exchange(state, unconditional, stale, undefined))
      .then(async (shared) => {
        if (shared?.own !== true) return
        if (shared.outcome.kind === 'passing') await shared.outcome.artifact.close('done')
        if (shared.outcome.kind === 'growing') await shared.outcome.flight.leave()
      })
      .catch(() => undefined)
  }
}
