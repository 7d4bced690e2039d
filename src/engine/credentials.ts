/** A client's credential, as far as the cache has to know it: a fingerprint, and whether the origin accepted it. */

import { createHmac, randomBytes } from 'node:crypto'
import { isSelecting } from '../http/passed-headers.js'
import type { UpstreamProvider } from '../provider/types.js'
import type { KeyId } from '../store/types.js'

/** Accepted credentials remembered at once; the oldest goes first. */
const CAPACITY = 10_000

export class Credentials {
  readonly #accepted = new Map<string, number>()

  constructor(
    private readonly now: () => number,
    /** Milliseconds. */
    private readonly ttl: number,
    /** Of the fingerprints, which tell nothing without it. */
    private readonly key: string = randomBytes(32).toString('base64'),
  ) {}

  /** A keyed hash of what the request shows its right with; undefined where it shows nothing. */
  fingerprint(url: URL, headers: Readonly<Record<string, string>>, provider: UpstreamProvider): string | undefined {
    const shown: string[] = Object.entries(headers)
      .filter(([name]) => !isSelecting(name))
      .map(([name, value]) => `${name}: ${value}`)
      .sort()
    if (url.username !== '' || url.password !== '') shown.push(`${url.username}:${url.password}`)
    if (provider.carriesCredential?.(url)) shown.push(url.search)
    if (shown.length === 0) return undefined
    return createHmac('sha256', this.key).update(JSON.stringify(shown)).digest('base64url')
  }

  /** The origin accepted it for this very content. */
  accept(credential: string | undefined, id: KeyId, content: string): void {
    if (this.#accepted.size >= CAPACITY) {
      const oldest = this.#accepted.keys().next().value
      if (oldest !== undefined) this.#accepted.delete(oldest)
    }
    this.#accepted.set(keyOf(credential, id, content), this.now() + this.ttl)
  }

  accepted(credential: string | undefined, id: KeyId, content: string): boolean {
    const until = this.#accepted.get(keyOf(credential, id, content))
    return until !== undefined && this.now() < until
  }
}

/** `content`: the strong validator that the origin confirmed. */
function keyOf(credential: string | undefined, id: KeyId, content: string): string {
  return `${credential ?? ''} ${id} ${content}`
}
