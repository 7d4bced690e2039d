/** One request from its URL to its answer: entry → resolution → serve, validate or forward. */

import { asKissError, KissError } from '../errors.js'
import { isFree, isLentOnce, type LendingSettings } from '../flight/access.js'
import { closing, type Flights } from '../flight/flights.js'
import { subjectOf } from '../flight/subject.js'
import type { UpstreamProvider } from '../provider/types.js'
import type { Store } from '../store/open.js'
import { isName } from '../store/names.js'
import type { CounterName, Entry, KeyId, ServedAs } from '../store/types.js'
import type { ByOrigin } from './by-origin/by-origin.js'
import { wholeArtifact } from './by-origin/whole.js'
import type { Credentials } from './credentials.js'
import type { FromFlight } from './from-flight.js'
import type { FromStore } from './from-store.js'
import { behind } from './names.js'
import type { RequestState } from './request-state.js'
import { decision, resolve, type Resolution } from './resolution.js'
import type { Rights } from './rights.js'
import { narrowed, type Rule, type Rules } from './rules/rules.js'
import { promisedBy } from './rules/sums.js'
import type { Clock } from '../clock.js'
import type { Artifact, FetchRequest } from './types.js'

/** Maximum rounds of one request. Each round reads the store again after a concurrent change. More would be a livelock. */
const ROUNDS = 12

export interface FetchingOptions {
  readonly providers: readonly UpstreamProvider[]
  readonly credentials: Credentials
  readonly settings: LendingSettings & { readonly sealed: boolean }
  readonly rules: Rules
  readonly rights: Rights
  readonly fromStore: FromStore
  readonly fromFlight: FromFlight
  readonly byOrigin: ByOrigin
  readonly flights: Flights
  readonly store: Store
  readonly clock: Clock
  readonly trace?: ((line: string) => void) | undefined
}

export class Fetching {
  readonly #o: FetchingOptions
  #closing = false

  constructor(options: FetchingOptions) {
    this.#o = options
  }

  /** See Engine.fetch. */
  async fetch(asked: FetchRequest): Promise<Artifact> {
    const { sealed } = this.#o.settings
    const request = sealed ? { ...asked, offline: true, refresh: false } : asked
    this.#count(request, 'requests')
    try {
      const state = await this.#begun(request)
      const answered = await (state.rule?.freshness === 'origin' ? this.#byOrigin(state) : this.#answer(state))
      const artifact = isName(answered) ? await behind(state, answered, (next) => this.fetch(next)) : answered
      this.#count(request, `requests_${artifact.as}`)
      return artifact
    } catch (error) {
      this.#count(request, 'requests_failed')
      const failure = asKissError(this.#o.store.explain(error))
      if (sealed && failure.code === 'offline') throw new KissError('sealed', failure.message, { cause: failure })
      // The failure of a request after the store was closed is `interrupted`.
      const isOurs = failure.code === 'internal' || failure.code === 'disk'
      throw this.#closing && isOurs ? closing(error) : failure
    }
  }

  /** Interrupts every flight; requests under way end with `interrupted`. */
  async close(): Promise<void> {
    this.#closing = true
    this.#o.rights.stop(closing())
    await this.#o.flights.stop()
  }

  async #begun(request: FetchRequest): Promise<RequestState> {
    const { rules, providers, clock } = this.#o
    const [since, came] = [clock.monotonic(), request.came ?? performance.now()]
    const subject = subjectOf(request.url, request.headers, providers, this.#o)
    const rule = rules.of(subject.canonical)
    const isSummed = rule?.sha256From !== undefined && request.isSum !== true
    return {
      request: isSummed ? await promisedBy(rule.sha256From, request, subject, (sums) => this.fetch(sums)) : request,
      subject,
      rule,
      signal: request.signal ?? new AbortController().signal,
      since,
      came,
      confirmed: false,
      refusals: 0,
    }
  }

  async #byOrigin(state: RequestState): Promise<Artifact> {
    const answered = await this.#o.byOrigin.fetch(state)
    return state.request.wire ? answered : wholeArtifact(state, answered, (request) => this.fetch(request))
  }

  #count({ internal }: FetchRequest, name: CounterName): void {
    if (internal !== true) this.#o.store.counters.add(name, 1)
  }

  async #answer(state: RequestState): Promise<Artifact> {
    const { shown } = state.subject
    // Each refusal of another client's credential adds one round, so that this client's own credential is tried.
    for (let round = 0; round < ROUNDS + state.refusals; round++) {
      state.signal.throwIfAborted()
      const artifact = await this.#answerOnce(state)
      if (artifact) return artifact
    }
    throw new KissError('internal', `cannot fetch ${shown}: it changed ${ROUNDS} times while it was looked up`)
  }

  /** undefined: the store changed meanwhile, and has to be read again. */
  async #answerOnce(state: RequestState): Promise<Artifact | undefined> {
    const { store, fromStore, fromFlight, flights } = this.#o
    const { subject } = state
    if (state.rule?.store === 'never' && !state.request.offline) return fromFlight.unkept(state)
    const entry = store.entries.known(subject.id) ?? (await this.#read(subject.id))
    if (subject.credential !== undefined && (!entry || !isFree(subject, entry))) {
      const kept = await fromStore.keptFor(state)
      if (kept) return kept
    }
    const resolution = this.#resolve(state, entry)
    this.#o.trace?.(`* ${subject.shown}: ${decision(resolution, this.#o.clock.now())}`)
    switch (resolution.kind) {
      case 'unavailable':
        // A body that is being stored counts as stored.
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

  /**
   * Fifty clients of a new artifact arrive one by one, and made nearly fifty reads, between which the download waited. Without
   * them the slowest first byte on a server that has answered misses took 100 ms in place of 179, and 90 ms of CPU time in
   * place of 126, on a machine with other work.
   */
  async #read(id: KeyId): Promise<Entry | undefined> {
    return this.#o.flights.isFirst(id) ? undefined : this.#o.store.entries.get(id)
  }

  #resolve({ request, rule, since, confirmed }: RequestState, entry: Entry | undefined): Resolution {
    const { clock } = this.#o
    const now = clock.now()
    return resolve({
      entry,
      now,
      // The confirmation of a parent may be older than the request.
      since: confirmed ? -Infinity : now - (clock.monotonic() - since),
      ttl: narrowed(request.ttl, rule),
      refresh: request.refresh === true || (entry !== undefined && contradicts(rule, request, entry)),
      offline: request.offline ?? false,
    })
  }

  /** undefined: the blob was removed, or the origin gives this client another content. */
  async #serve(state: RequestState, entry: Entry, as: ServedAs): Promise<Artifact | undefined> {
    const { rights, fromStore, fromFlight } = this.#o
    const { subject, request, signal } = state
    // A credential that is lent to one request never reads a stored body.
    if (isLentOnce(subject) && !isFree(subject, entry)) return fromFlight.lentOnce(state)
    const asking = { signal, offline: request.offline, insists: request.refresh }
    const right = await rights.mayRead(subject, entry, asking)
    if (right === 'other') return fromFlight.other(state, entry)
    if (right === 'free') return fromStore.open(state, entry, as, undefined)
    await fromStore.publicise(subject, entry)
    return fromStore.open(state, entry, as, 'authorised')
  }
}

/** Does the sum of a rule differ from the sum of the stored bytes? */
function contradicts(rule: Rule | undefined, { isSum, sha256 }: FetchRequest, entry: Entry): boolean {
  return rule?.sha256From !== undefined && isSum !== true && !isName(entry) && entry.sha256 !== sha256
}
