/** The fingerprints of clients' credentials, and the record of which credentials an origin accepted. */

import { createHmac, randomBytes } from 'node:crypto'
import { isSelecting } from '../http/passed-headers.js'
import type { UpstreamProvider } from '../provider/types.js'
import type { KeyId } from '../store/types.js'

/** Acceptances remembered at once. One takes about 300 bytes. */
const CAPACITY = 10_000

export interface CredentialsOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Milliseconds that an acceptance is remembered. */
  readonly ttl: number
  /** The key of the fingerprints. Default: random, for this process alone. */
  readonly key?: string | undefined
  readonly capacity?: number
}

/** An origin's acceptance of a credential (undefined: a request without one) for one content. */
export interface Acceptance {
  readonly credential: string | undefined
  readonly id: KeyId
  /** The strong validator that the origin confirmed. */
  readonly content: string
}

export class Credentials {
  readonly #now: () => number
  readonly #ttl: number
  readonly #key: string
  readonly #capacity: number
  /** The end of each acceptance by host, the oldest first. */
  readonly #accepted = new Map<string, Map<string, number>>()
  #size = 0

  constructor({ now, ttl, key = randomBytes(32).toString('base64'), capacity = CAPACITY }: CredentialsOptions) {
    this.#now = now
    this.#ttl = ttl
    this.#key = key
    this.#capacity = capacity
  }

  /** A keyed hash of the credential of a request; undefined without one. */
  fingerprint(url: URL, headers: Readonly<Record<string, string>>, provider: UpstreamProvider): string | undefined {
    const shown: string[] = Object.entries(headers)
      .filter(([name]) => !isSelecting(name))
      .map(([name, value]) => `${name}: ${value}`)
      .sort()
    if (url.username !== '' || url.password !== '') shown.push(`${url.username}:${url.password}`)
    if (provider.carriesCredential?.(url)) shown.push(url.search)
    if (shown.length === 0) return undefined
    return createHmac('sha256', this.#key).update(JSON.stringify(shown)).digest('base64url')
  }

  /** The origin at `host` accepted the credential for this content. */
  accept(acceptance: Acceptance, host: string): void {
    const key = keyOf(acceptance)
    const ofHost = this.#accepted.get(host) ?? new Map<string, number>()
    this.#accepted.set(host, ofHost)
    if (ofHost.delete(key)) this.#size--
    if (this.#size >= this.#capacity) this.#forgetOne()
    ofHost.set(key, this.#now() + this.#ttl)
    this.#size++
  }

  accepted(acceptance: Acceptance, host: string): boolean {
    const until = this.#accepted.get(host)?.get(keyOf(acceptance))
    return until !== undefined && this.#now() < until
  }

  /** Removes the oldest acceptance of the host with the most: an origin that accepts everything displaces only its own. */
  #forgetOne(): void {
    const [host, largest] = [...this.#accepted].reduce((most, next) => (next[1].size > most[1].size ? next : most))
    const oldest = largest.keys().next().value
    if (oldest === undefined) return
    largest.delete(oldest)
    this.#size--
    if (largest.size === 0) this.#accepted.delete(host)
  }
}

function keyOf({ credential, id, content }: Acceptance): string {
  return `${credential ?? ''} ${id} ${content}`
}
