/** Answers from the store, for readers with a right to the entry. */

import { accessOf, isPrivate } from '../flight/access.js'
import { aloneIdOf, type Subject } from '../flight/subject.js'
import { isFresh } from '../http/freshness.js'
import { mayBeSignInPage } from '../http/sign-in.js'
import { hostOf } from '../http/urls.js'
import { LruMap } from '../store/lru.js'
import type { Store } from '../store/open.js'
import { isName } from '../store/names.js'
import type { Entry, ServedAs } from '../store/types.js'
import { storedArtifact, mismatch } from './artifacts.js'
import type { RequestState } from './request-state.js'
import type { Clock } from '../clock.js'
import { narrowed, type Rules } from './rules/rules.js'
import type { Again, Artifact } from './types.js'

export interface FromStoreOptions {
  readonly store: Store
  readonly rules: Rules
  readonly clock: Clock
  /** Milliseconds that a body for one credential alone is stored. */
  readonly authTtl: number
}

/** URLs of repeated hits whose host is remembered. */
const HOSTS = 1_000

export class FromStore {
  readonly #o: FromStoreOptions
  readonly #hosts = new LruMap<string, string>(HOSTS)

  constructor(options: FromStoreOptions) {
    this.#o = options
  }

  /**
   * Opens the bytes of an entry for a request whose right is proved. There is no other way to them. It compares the promised
   * sum; the store checks the blob. undefined: the blob and the entry were removed.
   */
  async open(
    { request, subject }: RequestState,
    entry: Entry,
    as: ServedAs,
    detail: Artifact['detail'],
  ): Promise<Artifact | undefined> {
    const { store } = this.#o
    if (request.sha256 !== undefined && request.sha256 !== entry.sha256 && !isName(entry))
      throw mismatch(entry.url, request.sha256, entry.sha256)
    const blob = await store.open(entry)
    if (blob) return storedArtifact(entry, blob, as, detail, isPrivate(subject, entry), this.#o)
    await store.remove(entry.id, entry.sha256)
    return undefined
  }

  /**
   * See Engine.again: repeats a hit without a lookup; the decision uses memory only and is synchronous. The entry must be the
   * object in memory: after a purge, a replacement or a validation by any process it is another object, or none. Only a public
   * entry that is no page may be repeated without a check of rights (rule 9).
   */
  again(before: Entry, ttl: number | undefined): Again | undefined {
    const { store, rules, clock } = this.#o
    const entry = store.entries.known(before.id)
    // An entry that was read or stored again has another headers object.
    if (entry === undefined || entry.headers !== before.headers) return undefined
    if (entry.access !== 'public' || mayBeSignInPage(entry)) return undefined
    const rule = rules.of(entry.url)
    if (rule?.store === 'never' || rule?.freshness === 'origin' || rule?.sha256From !== undefined) return undefined
    const now = clock.now()
    if (!isFresh(entry, { now, ttl: narrowed(ttl, rule) })) return undefined
    const held = store.bodies.peek(entry.sha256)
    if (held === undefined) return undefined
    store.counters.add('requests', 1)
    store.counters.add('requests_hit', 1)
    store.entries.touch(entry.id, now)
    return { entry, bytes: held.bytes, close: held.leave }
  }

  /** See Engine.sentAgain. */
  sentAgain(entry: Entry, bytes: number): void {
    const { store } = this.#o
    store.counters.add('served_hit', bytes)
    store.figures.servedOf(this.#hostOf(entry.url), bytes)
  }

  #hostOf(url: string): string {
    const known = this.#hosts.get(url)
    if (known !== undefined) return known
    const host = hostOf(url)
    this.#hosts.set(url, host)
    return host
  }

  /** The body that an earlier request with the same credential brought for that credential alone. */
  async keptFor(state: RequestState): Promise<Artifact | undefined> {
    const { subject, request } = state
    if (subject.credential === undefined || request.refresh) return undefined
    const { store, clock, authTtl } = this.#o
    const entry = await store.entries.get(aloneIdOf(subject.id, subject.credential))
    const now = clock.now()
    if (!entry || now - entry.validatedAt >= authTtl || !isFresh(entry, { now, ttl: request.ttl })) return undefined
    return this.open(state, entry, 'hit', undefined)
  }

  /**
   * The origin gave the content of the entry to this client. If the client brought no credential, the entry becomes public. If
   * that cannot be written, the entry stays private, and the next client without a credential proves its right again.
   */
  async publicise({ access, provider }: Subject, entry: Entry): Promise<void> {
    if (access !== 'public' || accessOf(entry, provider) === 'public') return
    const { store } = this.#o
    const open: Entry = { ...entry, private: false, access: 'public' }
    try {
      if (await store.entries.renew(open)) await store.blobs.describe(open)
    } catch {
      // See above.
    }
  }
}
