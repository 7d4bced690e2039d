/**
 * The rights of clients: cache rule 9, as two questions.
 *
 * 1. May this client read this entry?            {@link Rights.mayRead}
 * 2. May it join this flight?                    {@link Rights.present}, {@link Rights.mayJoin}
 *
 * Bytes that came without a credential are public. Bytes that the provider's own credential brought are for all users of a
 * cache whose settings share it (flight/access.ts). For all other bytes the client's own credential is sent to the origin: a
 * 304 to the validator of these bytes, or an equal strong ETag, from the same final URL, proves the right. The proof is
 * remembered for `--auth-ttl`.
 */

import { unlessAborted } from '../waits.js'
import { asKissError, KissError } from '../errors.js'
import { isFree } from '../flight/access.js'
import { VALIDATION_TIMEOUT } from '../flight/attempt.js'
import { isConfirmed } from '../flight/resume.js'
import type { About } from '../flight/cluster.js'
import { type Order, holderOf, type Subject } from '../flight/subject.js'
import type { Flight } from '../flight/flight.js'
import { hostOf } from '../http/urls.js'
import type { StoredHeaders } from '../http/stored.js'
import { isStrong, strongEqual } from '../http/validation.js'
import type { Entry } from '../store/types.js'
import type { Acceptance, Credentials } from './credentials.js'
import type { FailureLog } from './failures.js'
import { probe, type Probed, type Prober } from './probe.js'

/** Milliseconds for a probe, HEAD and GET together: a client waits for the answer. */
const PROBE_TIMEOUT = 10_000

export type Right =
  /** No probe is needed. */
  | 'free'
  /** The origin accepted this credential for this content within `--auth-ttl`. */
  | 'remembered'
  /** The origin confirmed the content just now. */
  | 'confirmed'
  /** The origin gives this client another content, or nothing proves that it is the same. */
  | 'other'

/** A content with the resource that its validators belong to. */
interface Provable {
  readonly headers: StoredHeaders
  readonly resource?: string | undefined
  readonly source?: string | undefined
}

export interface Asking {
  readonly signal: AbortSignal
  /** Never contact an origin. */
  readonly offline?: boolean | undefined
  /** Probe although a right is remembered: it validates a stale entry, within the time of rule 2 of the cache. */
  readonly validate?: boolean
  /** Probe although a refusal of this credential is remembered. */
  readonly insists?: boolean | undefined
}

export interface RightsOptions extends Prober {
  readonly credentials: Credentials
  readonly failures: FailureLog
  /** The user of this engine owns the cache: messages may mention private entries. */
  readonly ownUse: boolean
}

export class Rights {
  readonly #o: RightsOptions
  /** One probe at a time per credential and content, because the devices of a lab share a token. */
  readonly #probes = new Map<string, Promise<Probed>>()
  readonly #stop = new AbortController()

  constructor(options: RightsOptions) {
    this.#o = options
  }

  /** Ends the probes under way. */
  stop(reason: Error): void {
    this.#stop.abort(reason)
  }

  /** May this client read this entry? Throws the refusal of the origin, or `offline` if a probe is not allowed. */
  async mayRead(subject: Subject, entry: Entry, asking: Asking): Promise<Right> {
    if (isFree(subject, entry)) return 'free'
    if (!asking.offline) return this.#prove(subject, entry, asking)
    if (this.remembers(subject, entry)) return 'remembered'
    // The message does not reveal that a private entry exists.
    const why = this.#o.ownUse
      ? 'is private, and offline no origin can be asked whether you may have it'
      : 'is not in the cache'
    throw new KissError('offline', `${entry.url} ${why}`)
  }

  /**
   * Probes the origin with the credential of a client that differs from that of a private flight, before the head of the flight
   * is known: the time of a refusal must not reveal that a private download is under way. Throws the refusal; undefined if no
   * probe is needed yet.
   */
  async present(subject: Subject, flight: Flight, signal: AbortSignal): Promise<Probed | undefined> {
    await unlessAborted(flight.state.placed, signal)
    const { access, head, ending, leading } = flight.state
    const own = leading ? flight.order.credential === subject.credential : isHolder(subject, flight)
    if (head !== undefined || ending !== undefined || own) return undefined
    if (access === 'public' || (access === 'provider' && subject.lent)) return undefined
    return this.#ask(subject, undefined, PROBE_TIMEOUT, signal).catch((error: unknown) => {
      if (error instanceof KissError && error.code === 'origin-refused') throw error
      signal.throwIfAborted()
      return undefined
    })
  }

  /** May this client join this flight, whose head is known? @param presented the result of {@link present} */
  async mayJoin(subject: Subject, flight: Flight, signal: AbortSignal, presented?: Probed): Promise<Right> {
    const { order } = flight
    const { access, head } = flight.state
    const headers = head?.headers ?? {}
    // The id of a download for one credential alone admits only clients with it, whoever brought the bytes in hand.
    const isSame = order.credential === subject.credential && (flight.state.confirmed || order.alone)
    const own = isSame || isHolder(subject, flight)
    if (own && access === 'client') this.#accept(subject, headers.etag)
    if (own || isFree(subject, { access, private: access === 'client', url: order.shown, headers })) return 'free'
    if (head === undefined || !isStrong(headers.etag)) return 'other'
    return presented ? this.#judge(subject, head, presented) : this.#prove(subject, head, { signal })
  }

  /** Probes the origin with the credential of an order, before another request can reveal a private body to the client. */
  introduce(order: Order, signal: AbortSignal): Promise<Probed> {
    return this.#ask(order, undefined, PROBE_TIMEOUT, signal)
  }

  /** May this order read bytes of another node? @param introduced the result of {@link introduce} */
  async mayTake(order: Order, content: About, signal: AbortSignal, introduced?: Probed): Promise<boolean> {
    if (isFree(order, { ...content, private: content.access === 'client' })) return true
    if (!isStrong(content.headers.etag)) return false
    const right = introduced ? this.#judge(order, content, introduced) : await this.#prove(order, content, { signal })
    return right !== 'other'
  }

  /** Has the origin accepted this client for the entry within `--auth-ttl`? */
  remembers(subject: Subject, { headers }: Provable): boolean {
    return this.#o.credentials.accepted(acceptance(subject, headers.etag ?? ''), hostOf(subject.shown))
  }

  async #prove(subject: Subject, content: Provable, { signal, validate = false, insists }: Asking): Promise<Right> {
    const { etag } = content.headers
    if (!isStrong(etag)) return 'other'
    if (!validate && this.remembers(subject, content)) return 'remembered'
    const timeout = validate ? VALIDATION_TIMEOUT : PROBE_TIMEOUT
    return this.#judge(subject, content, await this.#ask(subject, content, timeout, signal, insists))
  }

  #judge(subject: Subject, content: Provable, probed: Probed): Right {
    const { etag } = content.headers
    const { status, headers, resource, hop } = probed
    const named = headers['etag'] ?? (status === 304 ? etag : undefined)
    const confirmed = isConfirmed(content, { headers }, { now: this.#o.now(), resource, hop })
    if (!confirmed || !strongEqual(named, etag)) return 'other'
    this.#accept(subject, etag)
    return 'confirmed'
  }

  #accept(subject: Subject, etag: string | undefined): void {
    if (etag !== undefined) this.#o.credentials.accept(acceptance(subject, etag), hostOf(subject.shown))
  }

  /** Throws the refusal of the origin, a new or a remembered one (rule 8). A client that leaves does not stop a shared probe. */
  async #ask(
    subject: Subject,
    content: Provable | undefined,
    timeout: number,
    signal: AbortSignal,
    insists = false,
  ): Promise<Probed> {
    const { failures } = this.#o
    const { id, credential = '' } = subject
    const etag = content?.headers.etag
    const recent = insists ? undefined : failures.recent(id, subject.credential)
    if (recent) throw recent
    const key = `${credential} ${id} ${etag ?? ''}`
    let running = this.#probes.get(key)
    if (!running) {
      running = probe({ subject, etag, source: content?.source, timeout, signal: this.#stop.signal }, this.#o).then(
        (probed) => {
          // Remembered before the probe is removed, so that every client finds one of the two.
          if (content) this.#judge(subject, content, probed)
          return probed
        },
      )
      this.#probes.set(key, running)
      running.then(
        () => this.#probes.delete(key),
        (error: unknown) => {
          this.#probes.delete(key)
          const failure = asKissError(error)
          // If the origin is down, a presented client waits for the flight.
          if (etag !== undefined || failure.code === 'origin-refused') failures.note(subject, failure)
        },
      )
    }
    return unlessAborted(running, signal)
  }
}

/** Does another process download with this client's credential? */
function isHolder(subject: Subject, { state }: Flight): boolean {
  return state.holder !== undefined && state.holder === holderOf(subject)
}

function acceptance({ credential, id }: Subject, content: string): Acceptance {
  return { credential, id, content }
}
