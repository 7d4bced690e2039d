/** Answers from the store, for readers with a right to the entry. */

import { accessOf, isPrivate } from '../flight/access.js'
import { aloneIdOf, type Subject } from '../flight/subject.js'
import { isFresh } from '../http/freshness.js'
import type { Store } from '../store/open.js'
import { isName } from '../store/names.js'
import type { Entry, ServedAs } from '../store/types.js'
import { storedArtifact } from './artifacts.js'
import { mismatch } from './contents.js'
import type { RequestState } from './request-state.js'
import type { Artifact, Clock } from './types.js'

export interface FromStoreOptions {
  readonly store: Store
  readonly clock: Clock
  /** Milliseconds that a body for one credential alone is stored. */
  readonly authTtl: number
}

export class FromStore {
  readonly #o: FromStoreOptions

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
