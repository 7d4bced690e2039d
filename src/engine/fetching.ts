/** One request from its URL to its answer: entry → resolution → serve, validate or forward. */

import { randomUUID } from 'node:crypto'
import { asKissError, KissError } from '../errors.js'
import { isFresh, lifetimesFrom } from '../http/freshness.js'
import type { UpstreamProvider } from '../provider/types.js'
import type { CounterName, Entry, ServedAs } from '../store/types.js'
import { growingArtifact, storedArtifact } from './artifacts.js'
import { prove, type Right } from './authorise.js'
import { mismatch } from './contents.js'
import type { Order } from '../flight/order.js'
import { mayServeStale, resolve } from './resolution.js'
import type { Services } from './services.js'
import type { Settled } from '../flight/ending.js'
import { accessOf, aloneIdOf, isFree, isLentOnce, isPrivate, subjectOf, type Subject } from '../flight/subject.js'
import type { Transfer } from '../flight/flight.js'
import { closing, Transfers } from '../flight/flights.js'
import type { Wait } from '../flight/waiting.js'
import { waitFor } from './waiting.js'
import type { Artifact, FetchRequest } from './types.js'

/** Rounds of one request: each looks at the store anew after something changed under it. More is a livelock. */
const ROUNDS = 12

/** One request on its way through the engine. */
interface Passage {
  readonly request: FetchRequest
  readonly subject: Subject
  readonly signal: AbortSignal
  /** Monotonic milliseconds: when it came. */
  readonly since: number
  /** Milliseconds, as `performance.now()` counts them: when it came. */
  readonly came: number
  /** How it was served so far: a validation that this request waited for makes a hit a revalidated one. */
  confirmed: boolean
  /** Transfers that it joined and that others' credentials made fail. */
  refusals: number
}

export class Fetching {
  readonly #services: Services
  readonly #providers: readonly UpstreamProvider[]
  readonly transfers: Transfers
  #closing = false

  constructor(services: Services, providers: readonly UpstreamProvider[]) {
    this.#services = services
    this.#providers = providers
    this.transfers = new Transfers(services)
  }

  /** See Engine.fetch. */
  async fetch(request: FetchRequest): Promise<Artifact> {
    this.#count(request, 'requests')
    try {
      const artifact = await this.#pass({
        request,
        subject: subjectOf(request.url, request.headers, this.#providers, this.#services),
        signal: request.signal ?? new AbortController().signal,
        since: this.#services.clock.monotonic(),
        came: performance.now(),
        confirmed: false,
        refusals: 0,
      })
      this.#count(request, `requests_${artifact.as}`)
      return artifact
    } catch (error) {
      this.#count(request, 'requests_failed')
      const failure = asKissError(await this.#services.store.explain(error))
      // What the request found closed in front of it is no fault of its own.
      const isOurs = failure.code === 'internal' || failure.code === 'disk'
      throw this.#closing && isOurs ? closing(error) : failure
    }
  }

  /** Ends every transfer; requests that are on their way end with `interrupted`. */
  async close(): Promise<void> {
    this.#closing = true
    this.#services.probes.stop(closing())
    await this.transfers.stop()
  }

  #count({ internal }: FetchRequest, name: CounterName): void {
    if (internal !== true) this.#services.store.counters.add(name, 1)
  }

  async #pass(passage: Passage): Promise<Artifact> {
    const { request, subject, signal } = passage
    // A refusal ends the request that it was meant for: however many there are, this one's turn comes.
    for (let round = 0; round < ROUNDS + passage.refusals; round++) {
      signal.throwIfAborted()
      const entry = await this.#services.store.entries.get(subject.id)
      if (!entry || !isFree(subject, entry)) {
        const artifact = await this.#keptAlone(passage)
        if (artifact) return artifact
      }
      const { clock } = this.#services
      const now = clock.now()
      const resolution = resolve({
        entry,
        now,
        since: now - (clock.monotonic() - passage.since),
        ttl: request.ttl,
        refresh: request.refresh ?? false,
        offline: request.offline ?? false,
      })
      switch (resolution.kind) {
        case 'unavailable':
          // What is being stored at this moment counts as there.
          if (await this.transfers.stored(subject.id)) break
          throw new KissError('offline', missing(subject.shown))
        case 'serve': {
          const as = passage.confirmed ? 'revalidated' : resolution.stale ? 'stale' : 'hit'
          const artifact = await this.#serve(passage, resolution.entry, as)
          if (artifact) return artifact
          break
        }
        default: {
          const artifact = await this.#forward(passage, resolution.kind === 'validate' ? resolution.entry : undefined)
          if (artifact) return artifact
        }
      }
    }
    throw new KissError('internal', `cannot fetch ${subject.shown}: it changed ${ROUNDS} times while it was looked up`)
  }

  /** undefined: the blob is gone, or the origin gives this client something else; look again. */
  async #serve(passage: Passage, entry: Entry, as: ServedAs): Promise<Artifact | undefined> {
    const { subject } = passage
    let right: Right | undefined
    if (!isFree(subject, entry)) {
      // What the provider's own credential opens for this one request, nothing stored can stand for.
      if (isLentOnce(subject)) return this.#alone(passage, randomUUID())
      right = passage.request.offline ? this.#offlineRight(passage, entry) : await this.#prove(passage, entry)
      if (right === 'other') return this.#other(passage, entry)
      await this.#publicise(subject, entry, right)
    }
    return this.#open(passage, entry, as, right === undefined ? undefined : 'authorised')
  }

  /**
   * The only way from an entry to its bytes, for a request whose right to them is known: its promised sum is compared, and
   * the store vouches for the blob. undefined: the blob is gone, and the entry with it.
   */
  async #open(
    { request, subject }: Passage,
    entry: Entry,
    as: ServedAs,
    detail: Artifact['detail'],
  ): Promise<Artifact | undefined> {
    const { store } = this.#services
    if (request.sha256 !== undefined && request.sha256 !== entry.sha256)
      throw mismatch(entry.url, request.sha256, entry.sha256)
    const blob = await store.open(entry)
    if (blob) return storedArtifact(entry, blob, as, detail, isPrivate(subject, entry), this.#services)
    await store.remove(entry.id, entry.sha256)
    return undefined
  }

  /** What an earlier request with this very credential brought, and nobody else could prove a right to. */
  async #keptAlone(passage: Passage): Promise<Artifact | undefined> {
    const { subject, request } = passage
    if (subject.credential === undefined || request.refresh) return undefined
    const { store, clock, settings } = this.#services
    const entry = await store.entries.get(aloneIdOf(subject.id, subject.credential))
    const now = clock.now()
    if (!entry || now - entry.validatedAt >= settings.authTtl || !isFresh(entry, { now, ttl: request.ttl }))
      return undefined
    return this.#open(passage, entry, 'hit', undefined)
  }

  /** The origin gives this client another content than the entry's. */
  async #other(passage: Passage, entry: Entry): Promise<Artifact | undefined> {
    // A page that came to somebody without a credential makes way for the artifact.
    if (accessOf(entry, passage.subject.provider) === 'public')
      return this.#board(passage, { ...this.#order(passage, undefined), replaces: entry })
    return this.#alone(passage, passage.subject.credential, entry)
  }

  /** Content that a request without any credential is given is public, whoever was given it before. */
  async #publicise({ access, provider }: Subject, entry: Entry, right: Right): Promise<void> {
    const { store } = this.#services
    if (access !== 'public' || right === 'other' || accessOf(entry, provider) === 'public') return
    const open: Entry = { ...entry, private: false, access: 'public' }
    if (await store.entries.renew(open)) await store.blobs.describe(open)
  }

  #offlineRight({ subject }: Passage, entry: Entry): Right {
    if (this.#services.credentials.accepted(subject.credential, subject.id, entry.headers.etag ?? ''))
      return 'remembered'
    // A stranger learns no more than that there is nothing for it: not that somebody else has it.
    const why = 'is private, and offline nobody can ask whether you may have it'
    throw new KissError('offline', this.#services.settings.ownUse ? `${entry.url} ${why}` : missing(entry.url))
  }

  #prove({ subject, signal, request }: Passage, entry: Entry, fresh = false): Promise<Right> {
    return prove(subject, entry, this.#services, signal, { fresh, insists: request.refresh })
  }

  /** Downloads, joins or validates. undefined: look again. */
  async #forward(passage: Passage, stale: Entry | undefined): Promise<Artifact | undefined> {
    const { subject } = passage
    // What the server lends its credential for goes to who asked for it, and to nobody beside or after.
    if (isLentOnce(subject)) return this.#alone(passage, randomUUID())
    if (stale && !isFree(subject, stale)) return this.#validatePrivate(passage, stale)
    const recent = this.#services.failures.recent(subject.id, subject.credential)
    if (recent && !passage.request.refresh) return this.#fail(passage, stale, recent)
    return this.#board(passage, this.#order(passage, stale))
  }

  async #board(
    passage: Passage,
    order: Order,
    onEnd: (end: Settled) => void = () => undefined,
  ): Promise<Artifact | undefined> {
    const { transfer, created } = this.transfers.join(order)
    void transfer.settled.then(onEnd)
    try {
      return await this.#ride(passage, transfer, created, order.stale)
    } finally {
      // The artifact, if there is one, has joined on its own.
      await transfer.leave()
    }
  }

  /** Waits for what a joined transfer has to tell. undefined: look again. */
  async #ride(
    passage: Passage,
    transfer: Transfer,
    created: boolean,
    stale: Entry | undefined,
  ): Promise<Artifact | undefined> {
    const { request, subject, signal } = passage
    await this.#patiently(passage, transfer, transfer.decided)
    // Every byte is here and is being stored: later requests are served from the store. An empty body is at its end with its
    // head.
    if ((!created && transfer.sum !== undefined) || transfer.head?.length === 0)
      await this.#patiently(passage, transfer, transfer.settled)
    const { end } = transfer
    if (end && !(created && (end.kind === 'stored' || end.kind === 'whole')))
      return this.#after(passage, end, transfer, stale)
    const { order, access, head } = transfer
    const own = order.credential === subject.credential && transfer.confirmed
    const free =
      own || isFree(subject, { access, private: access === 'client', url: order.shown, headers: head?.headers ?? {} })
    const right = free ? undefined : await prove(subject, head, this.#services, signal)
    if (right === 'other') return this.#alone(passage)
    if (right !== undefined) transfer.vouch(subject)
    if (right === 'confirmed') void transfer.settled.then((end) => this.#publiciseEnd(subject, end, right))
    if (own && access === 'client') this.#acceptOwn(subject, transfer)
    return growingArtifact(
      transfer,
      created && transfer.leading ? 'miss' : 'collapsed',
      right === undefined ? undefined : 'authorised',
      { signal: request.signal, patience: request.patience, promised: request.sha256 ?? transfer.head?.sha256 },
      this.#services,
    )
  }

  async #publiciseEnd(subject: Subject, end: Settled, right: Right): Promise<void> {
    if (end.kind !== 'stored') return
    await this.#publicise(subject, end.entry, right).catch(() => {
      // It stays private: the next client without a credential proves its right again.
    })
  }

  /** The origin gave the content to this credential: that is as good as a probe. */
  #acceptOwn(subject: Subject, transfer: Transfer): void {
    const etag = transfer.head?.headers.etag
    if (etag !== undefined) this.#services.credentials.accept(subject.credential, subject.id, etag)
  }

  /** A transfer ended without a body for this reader. */
  async #after(
    passage: Passage,
    end: Settled,
    transfer: Transfer,
    stale: Entry | undefined,
  ): Promise<Artifact | undefined> {
    if (end.kind === 'renewed') passage.confirmed = true
    if (end.kind !== 'failed') return undefined
    // It failed with somebody else's credential: ours has not been tried.
    if (transfer.order.credential !== passage.subject.credential && end.error.code === 'origin-refused') {
      passage.refusals++
      return undefined
    }
    return this.#fail(passage, stale, end.error)
  }

  /** Serves what is stale where the rules allow it; else throws. */
  async #fail(passage: Passage, stale: Entry | undefined, error: KissError): Promise<Artifact | undefined> {
    const { store, clock, settings } = this.#services
    if (stale && (error.status === 404 || error.status === 410) && error.code === 'origin-refused') {
      await store.remove(stale.id, stale.sha256)
      throw error
    }
    if (!stale || !mayServeStale(stale, error, clock.now(), settings.staleIfError)) throw error
    const artifact = await this.#open(passage, stale, 'stale', 'stale-if-error')
    if (!artifact) throw error
    return artifact
  }

  /** A private entry is validated with the credential of who asks: the same request proves both. */
  async #validatePrivate(passage: Passage, entry: Entry): Promise<Artifact | undefined> {
    const { store, clock, credentials } = this.#services
    const { subject } = passage
    let right: Right
    try {
      right = await this.#prove(passage, entry, true)
      // Another content than the stale one, for who may ask: it replaces that.
      if (right === 'other') return await this.#board(passage, { ...this.#order(passage, undefined), replaces: entry })
    } catch (error) {
      const failure = asKissError(error)
      const known = credentials.accepted(subject.credential, subject.id, entry.headers.etag ?? '')
      // A no is for who asked: many origins say 404 to a credential that ended, and others still have theirs.
      return this.#fail(passage, known && failure.code !== 'origin-refused' ? entry : undefined, failure)
    }
    const now = clock.now()
    const renewed = { ...entry, ...lifetimesFrom(now, entry.lifetime) }
    await store.entries.renew(renewed)
    await this.#publicise(subject, renewed, right)
    passage.confirmed = true
    return undefined
  }

  /** A download for this client and those with the same credential; nobody else can prove a right to it. */
  async #alone(passage: Passage, whose = passage.subject.credential, known?: Entry): Promise<Artifact | undefined> {
    const { subject } = passage
    const order = this.#order(passage, undefined)
    const id = aloneIdOf(subject.id, whose)
    return this.#board(passage, { ...order, id, alone: true, keep: subject.credential !== undefined }, (end) => {
      if (known && end.kind === 'whole' && end.sha256 === known.sha256)
        void this.#publiciseEnd(subject, { kind: 'stored', entry: known }, 'confirmed')
    })
  }

  #order(passage: Passage, stale: Entry | undefined): Order {
    const { subject, request } = passage
    const { settings } = this.#services
    const ttl = subject.provider.ttl?.(subject.url)
    return {
      ...subject,
      alone: false,
      lifetime:
        request.ttl === undefined
          ? ttl === undefined
            ? settings.defaultTtl
            : ttl * 1000
          : Math.min(request.ttl, settings.maxTtl),
      stale,
      insists: request.refresh,
      promised: request.sha256,
      client: request.client,
      keep: true,
    }
  }

  /** Waits no longer than the reader does; the transfer goes on. */
  async #patiently<T>(
    { request, signal, subject, ...passage }: Passage,
    transfer: Transfer,
    event: Promise<T>,
  ): Promise<T> {
    const { waiting } = transfer
    request.onWait?.(() => waiting.now)
    const { patience, queuePatience = Infinity } = request
    if (patience === undefined) return waitFor(event, signal)
    // Waiting for a place is not the silence of the origin, whose time begins with the turn of the request.
    const until = (): number =>
      waiting.queued ? passage.came + queuePatience : Math.max(passage.came, waiting.queuedUntil) + patience
    const error = (): KissError =>
      waiting.queued ? inQueue(subject.shown, waiting.now.place) : impatient(subject.shown, waiting.now, patience)
    return waitFor(event, signal, { until, error })
  }
}

function missing(shown: string): string {
  return `${shown} is not in the cache`
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
