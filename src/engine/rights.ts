/**
 * Who may have which bytes: cache rule 9, as three questions.
 *
 * 1. May this client read this entry?            {@link Rights.mayRead}
 * 2. May it join this flight?                    {@link Rights.present}, {@link Rights.mayJoin}
 * 3. May its request continue these bytes?       {@link mayContinue}
 *
 * Bytes that came with nobody's credential are for everybody. Those of the provider's own are for the users of a cache whose
 * settings lend it to all (flight/access.ts). Everybody else shows the origin a credential of its own: 304 to the validator
 * of these bytes, or an equal strong ETag, from the final URL that they came from, proves the right. The proof is
 * remembered for `--auth-ttl`.
 */

import { unlessAborted } from '../abort.js'
import { asKissError, KissError } from '../errors.js'
import { isFree } from '../flight/access.js'
import { VALIDATION_TIMEOUT } from '../flight/attempts.js'
import { isConfirmed } from '../flight/resume.js'
import type { About } from '../flight/cluster.js'
import type { Order } from '../flight/order.js'
import { holderOf, type Subject } from '../flight/subject.js'
import type { Flight } from '../flight/flight.js'
import { hostOf } from '../http/host.js'
import type { StoredHeaders } from '../http/stored.js'
import { isStrong, strongEqual } from '../http/validation.js'
import type { Entry } from '../store/types.js'
import type { Acceptance, Credentials } from './credentials.js'
import type { FailureLog } from './failures.js'
import { probe, type Probed, type Prober } from './probe.js'

/** Milliseconds for a question, by HEAD and by GET: a client waits for the answer. */
const PROBE_TIMEOUT = 10_000

export type Right =
  /** Without a question. */
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
  /** Ask although a right is remembered: to validate a stale entry, in the time that rule 2 of the cache gives. */
  readonly validate?: boolean
  /** Ask although the origin refused this credential a moment ago. */
  readonly insists?: boolean | undefined
}

export interface RightsOptions extends Prober {
  readonly credentials: Credentials
  readonly failures: FailureLog
  /** The user of this engine owns the cache: a message may say that something private is there. */
  readonly ownUse: boolean
}

export class Rights {
  readonly #o: RightsOptions
  /** One probe at a time for the same credential and content: the boards of a lab share a token. */
  readonly #probes = new Map<string, Promise<Probed>>()
  readonly #stop = new AbortController()

  constructor(options: RightsOptions) {
    this.#o = options
  }

  /** Ends the probes under way. */
  stop(reason: Error): void {
    this.#stop.abort(reason)
  }

  /** May this client read this entry? Throws the origin's refusal, or `offline` where nobody may be asked. */
  async mayRead(subject: Subject, entry: Entry, asking: Asking): Promise<Right> {
    if (isFree(subject, entry)) return 'free'
    if (!asking.offline) return this.#prove(subject, entry, asking)
    if (this.remembers(subject, entry)) return 'remembered'
    // A stranger learns that there is nothing for it, and not that somebody else has it.
    const why = this.#o.ownUse
      ? 'is private, and offline no origin can be asked whether you may have it'
      : 'is not in the cache'
    throw new KissError('offline', `${entry.url} ${why}`)
  }

  /**
   * A client with another credential than that of a private flight is presented to the origin before the flight's head is
   * known: it must not learn from the time of its answer that a private download is under way. Throws the refusal;
   * undefined where no question is needed yet.
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

  /** May this client join this flight, whose head is known? @param presented what the origin said to it before */
  async mayJoin(subject: Subject, flight: Flight, signal: AbortSignal, presented?: Probed): Promise<Right> {
    const { order } = flight
    const { access, head } = flight.state
    const headers = head?.headers ?? {}
    const own = (order.credential === subject.credential && flight.state.confirmed) || isHolder(subject, flight)
    if (own && access === 'client') this.#accept(subject, headers.etag)
    if (own || isFree(subject, { access, private: access === 'client', url: order.shown, headers })) return 'free'
    if (head === undefined || !isStrong(headers.etag)) return 'other'
    return presented ? this.#judge(subject, head, presented) : this.#prove(subject, head, { signal })
  }

  /** Shows the origin the credential of an order, before anything else shows it that a private body is under way. */
  introduce(order: Order, signal: AbortSignal): Promise<Probed> {
    return this.#ask({ ...order, share: 'all' }, undefined, PROBE_TIMEOUT, signal)
  }

  /** May this order have bytes of another node? @param introduced what the origin said to it before */
  async mayTake(order: Order, content: About, signal: AbortSignal, introduced?: Probed): Promise<boolean> {
    const subject: Subject = { ...order, share: 'all' }
    if (isFree(subject, { ...content, private: content.access === 'client' })) return true
    if (!isStrong(content.headers.etag)) return false
    const right = introduced
      ? this.#judge(subject, content, introduced)
      : await this.#prove(subject, content, { signal })
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

  /** Throws what the origin says, now or a moment ago (rule 8). A client that leaves does not stop the probe of others. */
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
          // Remembered before the probe ends: no client comes between that finds neither.
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
          // A client that is presented waits for the flight where its origin is down.
          if (etag !== undefined || failure.code === 'origin-refused') failures.note(subject, failure)
        },
      )
    }
    return unlessAborted(running, signal)
  }
}

/** Does another process download with the credential of this client? */
function isHolder(subject: Subject, { state }: Flight): boolean {
  return state.holder !== undefined && state.holder === holderOf(subject)
}

/** May a request of this client continue the bytes of a flight, should its own be interrupted? Once the origin has said so. */
export function mayContinue(right: Right): boolean {
  return right === 'remembered' || right === 'confirmed'
}

function acceptance({ credential, id }: Subject, content: string): Acceptance {
  return { credential, id, content }
}
