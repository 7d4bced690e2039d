/** Builds the answer of a reader, and counts the bytes that it receives. */

import { hostOf } from '../http/urls.js'
import { changedError, errorOf } from '../flight/ending.js'
import type { CounterName, Entry, OpenBlob, ServedAs, Sha256, Shared } from '../store/types.js'
import type { Store } from '../store/open.js'
import type { Flight } from '../flight/flight.js'
import type { Clock } from '../clock.js'
import { KissError } from '../errors.js'
import type { ReadOptions } from '../flight/body.js'
import type { Artifact, Content } from './types.js'

type Detail = Artifact['detail']

/** An artifact from the store. The blob is open; it is closed with the artifact. */
export function storedArtifact(
  entry: Entry,
  blob: OpenBlob,
  as: ServedAs,
  detail: Detail,
  isPrivate: boolean,
  { store, clock }: { readonly store: Store; readonly clock: Clock },
): Artifact {
  const content = blobContent(blob)
  store.entries.touch(entry.id, clock.now())
  return {
    as,
    url: entry.url,
    headers: entry.headers,
    entry,
    private: isPrivate,
    detail,
    source: entry.source,
    stored: true,
    content,
    progress: () => ({ received: entry.size, length: entry.size }),
    finished: () => Promise.resolve(entry),
    path: () => blob.path,
    ...accounts(as, content, { url: entry.url, private: isPrivate }, store),
  }
}

function blobContent(blob: OpenBlob): Content {
  return {
    length: blob.size,
    complete: true,
    sha256: blob.sha256,
    inMemory: blob.inMemory,
    shared: blob.shared,
    read: (buffer, position) => blob.read(buffer, position),
    close: () => blob.close(),
  }
}

/** An artifact from a flight; it has joined the flight, and leaves it when closed. */
export function growingArtifact(
  flight: Flight,
  as: ServedAs,
  detail: Detail,
  options: ReaderOptions,
  { store }: { readonly store: Store },
): Artifact {
  flight.join()
  const content = new FlightContent(flight, options)
  const { order } = flight
  return {
    as,
    url: order.shown,
    headers: flight.state.head?.headers ?? {},
    entry: undefined,
    private: flight.private,
    detail: flight.state.head?.signIn === true ? 'sign-in-page' : detail,
    parent: flight.state.head && {
      cacheStatus: flight.state.head.cacheStatus,
      confirmedAt: flight.state.head.confirmedAt,
    },
    source: flight.state.head?.source,
    stored: flight.storedAs !== undefined,
    content,
    progress: () => ({ received: flight.state.body.size, length: content.length, wait: flight.state.waiting.now }),
    finished: () => finished(flight, options.promised),
    path: (entry) => store.blobs.path(entry.sha256),
    ...accounts(as, content, { url: order.shown, private: flight.private }, store),
  }
}

/** undefined: the body was complete, but not stored. */
async function finished(flight: Flight, promised: Sha256 | undefined): Promise<Entry | undefined> {
  const { state, order } = flight
  const ending = await state.ended
  if (promised !== undefined && state.sum !== undefined && state.sum !== promised)
    throw mismatch(order.shown, promised, state.sum)
  const error = errorOf(ending, order.shown)
  if (error) throw error
  if (ending.kind === 'stored') return state.entry
  if (ending.kind === 'whole') return undefined
  throw changedError(order.shown)
}

/** Counts the bytes that the reader received, and closes the content once. */
export function accounts(
  as: ServedAs,
  content: Content,
  of: Pick<Artifact, 'url' | 'private'>,
  store: Store,
): Pick<Artifact, 'sent' | 'close'> {
  const served: CounterName = `served_${as}`
  let bytes = 0
  let closed = false
  return {
    sent: (n) => {
      bytes += n
      store.counters.add(served, n)
    },
    close: async (outcome) => {
      if (closed) return
      closed = true
      // Private artifacts are counted together under no name, so that their hosts are not listed.
      store.figures.servedOf(of.private ? '' : hostOf(of.url), bytes)
      if (outcome === 'aborted') store.counters.add('served_aborted', bytes)
      await content.close()
    },
  }
}

export interface ReaderOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds. */
  readonly patience?: number | undefined
  /** The sum that the client or the origin named for this reader. */
  readonly promised?: Sha256 | undefined
}

/** The content of one reader that has joined a flight. */
class FlightContent implements Content {
  readonly #flight: Flight
  readonly #options: ReaderOptions
  readonly shared: Shared
  #closed = false

  constructor(flight: Flight, options: ReaderOptions) {
    this.#flight = flight
    this.#options = options
    const { body } = flight.state
    this.shared = {
      source: body,
      arrived: (position) => this.#arrived(position),
      read: (buffer, position) => body.read(buffer, position),
      withFile: (work) => body.withFile(work),
    }
  }

  /** Time in the queue does not count as silence of the origin. */
  get #waiting(): ReadOptions {
    const { signal, patience } = this.#options
    return { signal, patience, isExcused: () => this.#flight.state.waiting.queued }
  }

  get length(): number | undefined {
    const { head, body, sum } = this.#flight.state
    return head?.length ?? (sum === undefined ? undefined : body.size)
  }

  get complete(): boolean {
    return this.#flight.state.sum !== undefined
  }

  get sha256(): Sha256 | undefined {
    return this.#flight.state.sum
  }

  #arrived(position: number): number | Promise<number> {
    const { promised } = this.#options
    return promised === undefined
      ? this.#flight.state.body.arrived(position, this.#waiting)
      : this.#arrivedOfPromised(position, promised)
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const arrived = await this.#arrived(position)
    return arrived === 0 ? 0 : this.#flight.state.body.read(buffer.subarray(0, arrived), position)
  }

  /**
   * Holds the last byte back until the sum agrees: a client never gets a whole body with another sum. While the length is
   * unknown, the last byte that arrived is held back. The end of an empty body waits as well.
   */
  async #arrivedOfPromised(position: number, promised: Sha256): Promise<number> {
    const { body } = this.#flight.state
    for (;;) {
      const { sum } = this.#flight.state
      if (sum === promised) return body.arrived(position, this.#waiting)
      if (sum !== undefined) throw mismatch(this.#flight.order.shown, promised, sum)
      const free = Math.min(body.size, this.length ?? Infinity) - 1
      if (position < free) return free - position
      // Settled without a sum: with an error, which is thrown at the end. The last byte stays held back.
      if (body.ended) return body.arrived(body.available, this.#options)
      await body.changed(this.#waiting)
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#flight.leave()
  }
}

export function mismatch(shown: string, promised: Sha256, found: Sha256): KissError {
  return new KissError('digest-mismatch', `${shown} is not what was promised: its SHA-256 is ${found}, not ${promised}`)
}
