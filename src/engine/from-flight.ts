/** Answers from downloads: starts or joins one, and turns its ending into the answer of the request. */

import { randomUUID } from 'node:crypto'
import { unlessAborted, waitUntil } from '../waits.js'
import { asKissError, KissError } from '../errors.js'
import { accessOf, isFree, isLentOnce } from '../flight/access.js'
import { confirmed } from '../flight/commit.js'
import { errorOf, type Ending } from '../flight/ending.js'
import type { Flight } from '../flight/flight.js'
import type { Flights } from '../flight/flights.js'
import { type Order, aloneIdOf, type Subject } from '../flight/subject.js'
import type { Wait } from '../flight/waiting.js'
import type { Store } from '../store/open.js'
import { isName } from '../store/names.js'
import type { Entry, Sha256 } from '../store/types.js'
import { growingArtifact } from './artifacts.js'
import type { FailureLog } from './failures.js'
import type { FromStore } from './from-store.js'
import type { RequestState } from './request-state.js'
import { mayServeStale, resolve } from './resolution.js'
import type { Right, Rights } from './rights.js'
import { laneOf, narrowed, type Rule } from './rules/rules.js'
import type { Clock } from '../clock.js'
import type { Artifact, FetchRequest } from './types.js'

export interface FromFlightOptions {
  readonly flights: Flights
  readonly fromStore: FromStore
  readonly rights: Rights
  readonly failures: FailureLog
  readonly store: Store
  readonly clock: Clock
  /** Milliseconds. */
  readonly lifetimes: { readonly defaultTtl: number; readonly maxTtl: number; readonly staleIfError: number }
}

export class FromFlight {
  readonly #o: FromFlightOptions

  constructor(options: FromFlightOptions) {
    this.#o = options
  }

  /** Downloads, joins or validates. undefined: the store has to be read again. */
  async forward(state: RequestState, stale: Entry | undefined): Promise<Artifact | undefined> {
    const { subject, request } = state
    if (isLentOnce(subject)) return this.lentOnce(state)
    if (stale && !isFree(subject, stale)) return this.#validateWithOwnCredential(state, stale)
    const recent = this.#o.failures.recent(subject.id, subject.credential)
    if (recent && !request.refresh) return this.#fail(state, stale, recent)
    return this.#join(state, this.#order(state, stale))
  }

  /** The provider's own credential serves this request alone: its download is neither shared nor stored. */
  async lentOnce(state: RequestState): Promise<Artifact | undefined> {
    return this.#alone(state, randomUUID())
  }

  /** A rule stores nothing of this URL: the download is for this request alone. */
  async unkept(state: RequestState): Promise<Artifact | undefined> {
    return this.#join(state, {
      ...this.#order(state, undefined),
      id: aloneIdOf(state.subject.id, randomUUID()),
      alone: true,
      keep: false,
    })
  }

  /** The origin gives this client another content than the entry's. */
  async other(state: RequestState, entry: Entry): Promise<Artifact | undefined> {
    // The artifact replaces a page that came without a credential.
    if (accessOf(entry, state.subject.provider) === 'public')
      return this.#join(state, { ...this.#order(state, undefined), replaces: entry })
    return this.#alone(state, state.subject.credential, entry)
  }

  /** A download for the clients with this credential: no other client can prove a right to it. */
  async #alone(state: RequestState, whose = state.subject.credential, known?: Entry): Promise<Artifact | undefined> {
    const { subject } = state
    const { fromStore, store } = this.#o
    // Another request may have brought it meanwhile; an older one is replaced.
    const kept = await fromStore.keptFor(state)
    if (kept) return kept
    const order = this.#order(state, undefined)
    const id = aloneIdOf(subject.id, whose)
    const replaces = await store.entries.get(id)
    const alone = { ...order, id, alone: true, keep: subject.credential !== undefined, replaces }
    return this.#join(state, alone, (ending) => {
      if (known && ending.kind === 'whole' && ending.sha256 === known.sha256) void fromStore.publicise(subject, known)
    })
  }

  async #join(
    state: RequestState,
    order: Order,
    onEnd: (ending: Ending) => void = () => undefined,
  ): Promise<Artifact | undefined> {
    const { flight, created } = this.#o.flights.join(order)
    void flight.state.ended.then(onEnd)
    try {
      return await this.#wait(state, flight, created, order)
    } finally {
      // An artifact holds its own membership of the flight.
      await flight.leave()
    }
  }

  /** Waits for the head or the end of a joined flight. undefined: the store has to be read again. */
  async #wait(state: RequestState, flight: Flight, created: boolean, order: Order): Promise<Artifact | undefined> {
    const { request, subject, signal } = state
    const { rights } = this.#o
    const presented = await rights.present(subject, flight, signal)
    await this.#patiently(state, flight, flight.state.decided)
    // Every byte arrived and the body is being stored: later requests are served from the store. An empty body ends with its head.
    if ((!created && flight.state.sum !== undefined) || flight.state.head?.length === 0)
      await this.#patiently(state, flight, flight.state.ended)
    const { ending } = flight.state
    if (ending && !(created && (ending.kind === 'stored' || ending.kind === 'whole')))
      return this.#ended(state, ending, flight, order.stale)
    const right = await rights.mayJoin(subject, flight, signal, presented)
    if (right === 'other') return this.#alone(state)
    // The flight failed while the origin was asked about this client.
    const failed = flight.state.ending
    if (failed && errorOf(failed, flight.order.shown)) return this.#ended(state, failed, flight, order.stale)
    flight.adopt(order)
    if (right === 'confirmed')
      void flight.state.ended.then(async () => {
        const { entry } = flight.state
        if (entry) await this.#o.fromStore.publicise(subject, entry)
      })
    return growingArtifact(
      flight,
      created && flight.state.leading ? 'miss' : 'collapsed',
      right === 'free' ? undefined : 'authorised',
      { signal: request.signal, patience: request.patience, promised: promisedOf(request, flight) },
      this.#o,
    )
  }

  /** Handles a flight that ended without a body for this reader. */
  async #ended(
    state: RequestState,
    ending: Ending,
    flight: Flight,
    stale: Entry | undefined,
  ): Promise<Artifact | undefined> {
    if (ending.kind === 'renewed') state.confirmed = true
    // The other node did not send the body: this client's own request asks the origin.
    if (ending.kind === 'interrupted' && flight.order.follows === true) return undefined
    const error = ending.kind === 'changed' ? undefined : errorOf(ending, flight.order.shown)
    if (!error) return undefined
    // The origin refused the credential of another client: the credential of this client was not tried yet.
    if (flight.order.credential !== state.subject.credential && error.code === 'origin-refused') {
      state.refusals++
      return undefined
    }
    return this.#fail(state, stale, error)
  }

  /** Serves a stale entry if the rules allow it; otherwise throws. */
  async #fail(state: RequestState, stale: Entry | undefined, error: KissError): Promise<Artifact | undefined> {
    const { store, clock, lifetimes, fromStore } = this.#o
    if (stale && (error.status === 404 || error.status === 410) && error.code === 'origin-refused') {
      await store.remove(stale.id, stale.sha256)
      throw error
    }
    const staleIfError = state.rule?.staleIfError ?? lifetimes.staleIfError
    if (!stale || !mayServeStale(stale, error, clock.now(), staleIfError)) throw error
    const artifact = await fromStore.open(state, stale, 'stale', 'stale-if-error')
    if (!artifact) throw error
    return artifact
  }

  /** One probe with the credential of this client proves its right and validates the entry. */
  async #validateWithOwnCredential(state: RequestState, entry: Entry): Promise<Artifact | undefined> {
    const { store, clock, rights, fromStore } = this.#o
    const { subject, signal, request } = state
    let right: Right
    try {
      right = await rights.mayRead(subject, entry, { signal, validate: true, insists: request.refresh })
      // The origin gives this client a newer content: it replaces the stale entry.
      if (right === 'other') return await this.#join(state, { ...this.#order(state, undefined), replaces: entry })
    } catch (error) {
      const failure = asKissError(error)
      // A refusal applies to this client only: many origins answer 404 to an expired credential.
      const known = rights.remembers(subject, entry) && failure.code !== 'origin-refused'
      return this.#fail(state, known ? entry : undefined, failure)
    }
    const renewed = confirmed(entry, clock.now(), state.rule?.ttl)
    await store.entries.renew(renewed)
    await fromStore.publicise(subject, renewed)
    state.confirmed = true
    return undefined
  }

  #order(state: RequestState, stale: Entry | undefined): Order {
    const { subject, request, rule } = state
    return {
      ...subject,
      alone: false,
      lifetime: this.#lifetime(subject, request.ttl, rule),
      ttl: narrowed(request.ttl, rule),
      stale,
      accepts: (entry) => this.#isYoung(entry, state),
      insists: request.refresh,
      promised: request.sha256,
      client: request.client,
      via: request.via,
      through: request.through,
      keep: true,
      renewal: rule?.ttl,
      maxSize: rule?.maxSize,
      lane: laneOf(rule),
    }
  }

  /** Would such an entry answer the request without a request to the origin? */
  #isYoung(entry: Entry, { request: { ttl, refresh = false }, rule, since }: RequestState): boolean {
    const { clock } = this.#o
    const now = clock.now()
    const came = now - (clock.monotonic() - since)
    return resolve({ entry, now, since: came, ttl: narrowed(ttl, rule), refresh, offline: false }).kind === 'serve'
  }

  /** Milliseconds: the client's `ttl` within --max-ttl and the rule; otherwise the lifetime of the rule, the provider or the settings. */
  #lifetime({ provider, url }: Subject, ttl: number | undefined, rule: Rule | undefined): number {
    const { defaultTtl, maxTtl } = this.#o.lifetimes
    const asked = narrowed(ttl === undefined ? undefined : Math.min(ttl, maxTtl), rule)
    if (asked !== undefined) return asked
    const seconds = provider.ttl?.(url)
    return seconds === undefined ? defaultTtl : seconds * 1000
  }

  /** Waits until the reader's patience ends; the flight continues. */
  async #patiently<T>({ request, signal, subject, came }: RequestState, flight: Flight, event: Promise<T>): Promise<T> {
    const { waiting } = flight.state
    request.onWait?.(() => waiting.now)
    const { patience, queuePatience = Infinity } = request
    if (patience === undefined) return unlessAborted(event, signal)
    // Time in the queue does not count as silence of the origin, which begins with the turn of the request.
    const until = (): number => (waiting.queued ? came + queuePatience : Math.max(came, waiting.queuedUntil) + patience)
    const error = (): KissError =>
      waiting.queued ? inQueue(subject.shown, waiting.now.place) : impatient(subject.shown, waiting.now, patience)
    return waitUntil(event, { until, error }, signal)
  }
}

/** A sum that a client was promised is that of the content, and not that of a name. */
function promisedOf({ sha256 }: FetchRequest, { state: { head } }: Flight): Sha256 | undefined {
  return head !== undefined && isName(head) ? undefined : (sha256 ?? head?.sha256)
}

function inQueue(shown: string, place = 1): KissError {
  return new KissError('busy', `cannot fetch ${shown} yet: it is number ${place} in the queue for a download`, {
    retryAfter: 10_000,
    hint: 'ask again; the place in the queue is kept',
  })
}

function impatient(shown: string, wait: Wait, patience: number): KissError {
  const seconds = Math.round(patience / 1000)
  const what = wait.reason ?? 'the origin has not answered yet'
  return new KissError('origin-timeout', `cannot fetch ${shown} within ${seconds} s: ${what}; the download goes on`, {
    retryAfter: 30_000,
    hint: 'ask again in half a minute',
  })
}
