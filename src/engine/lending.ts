/** Lends bodies to the other nodes of the cluster: stored bodies, and bodies in flight. */

import { unlessAborted } from '../waits.js'
import type { About } from '../flight/cluster.js'
import { lentFlight, partOf, type Lender, type LentFlight } from '../flight/lend.js'
import type { Head } from '../flight/directory.js'
import type { Store } from '../store/open.js'
import type { KeyId, Sha256, Shared } from '../store/types.js'

/** The receiver closes it. */
export interface Lent {
  readonly about: About
  /** Every byte has arrived. */
  readonly complete: boolean
  /** Bytes of an unfinished body without a downloader. */
  readonly held?: number
  /** The sum of the whole; undefined while bytes are missing. */
  sum(): Sha256 | undefined
  /** Absent for an unfinished body without a downloader. */
  readonly shared?: Shared
  /** See Content.read. */
  read(buffer: Uint8Array, position: number): Promise<number>
  /** Counts bytes that the other node received. */
  sent(bytes: number): void
  close(): Promise<void>
}

/** `private`: the bytes are for one request alone. */
export type Refused = 'not here' | 'private'

export interface LendingOptions extends Lender {
  readonly store: Store
}

export class LendingDesk {
  readonly #o: LendingOptions

  constructor(options: LendingOptions) {
    this.#o = options
  }

  async stored(id: KeyId): Promise<Lent | Refused> {
    const { store } = this.#o
    const entry = await store.entries.get(id)
    const blob = entry && (await store.open(entry))
    if (!entry || !blob) return 'not here'
    const { headers, size, resource, source, url, access, lifetime } = entry
    const noted = access ?? (entry.private ? 'client' : 'provider')
    return {
      about: { headers, length: size, ranges: true, resource, source, url, access: noted, lifetime, entry },
      complete: true,
      sum: () => entry.sha256,
      shared: blob.shared,
      read: (buffer, position) => blob.read(buffer, position),
      sent: (bytes) => store.counters.add('lent', bytes),
      close: () => blob.close(),
    }
  }

  /** Waits until the head of the download is known. */
  async growing(id: KeyId, generation: number, signal: AbortSignal): Promise<Lent | Refused> {
    const flight = await lentFlight(id, generation, this.#o)
    if (!flight) return 'not here'
    let isLent = false
    try {
      await unlessAborted(flight.state.decided, signal)
      const lent = this.#ofFlight(flight, signal)
      isLent = typeof lent === 'object'
      return lent
    } finally {
      if (!isLent) await flight.leave()
    }
  }

  /** What is here of an unfinished download. */
  async part(id: KeyId): Promise<Lent | Refused> {
    const part = await partOf(id, this.#o)
    if (!part) return 'not here'
    const { head, url, access } = part
    if (isForOne(head)) {
      await part.close()
      return 'private'
    }
    const { headers, length, ranges, resource, source } = head
    return {
      about: { headers, length, ranges, resource, source, url, access, lifetime: 0 },
      complete: false,
      held: part.size,
      sum: () => undefined,
      read: (buffer, position) => part.read(buffer, position),
      sent: (bytes) => this.#o.store.counters.add('lent', bytes),
      close: () => part.close(),
    }
  }

  #ofFlight(flight: LentFlight, signal: AbortSignal): Lent | Refused {
    const { state, access, lifetime } = flight
    const { head, body } = state
    if (!head) return 'not here'
    if (isForOne(head)) return 'private'
    const { headers, length, ranges, resource, source } = head
    return {
      about: { headers, length, ranges, resource, source, url: state.shown, access, lifetime },
      complete: false,
      sum: () => state.sum,
      shared: {
        source: body,
        arrived: (position) => body.arrived(position, { signal }),
        read: (buffer, position) => body.read(buffer, position),
        withFile: (work) => body.withFile(work),
      },
      read: (buffer, position) => body.read(buffer, position, { signal }),
      sent: (bytes) => this.#o.store.counters.add('lent', bytes),
      close: () => flight.leave(),
    }
  }
}

function isForOne({ varies, signIn }: Head): boolean {
  return varies || signIn === true
}
