/** The two kinds of Content that readers get: a finished blob, and the growing body of a flight. */

import { KissError } from '../errors.js'
import type { ReadOptions } from '../flight/body.js'
import type { OpenBlob, Sha256, Shared } from '../store/types.js'
import type { Flight } from '../flight/flight.js'
import type { Content } from './types.js'

export function blobContent(blob: OpenBlob): Content {
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

export interface ReaderOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds. */
  readonly patience?: number | undefined
  /** The sum that the client or the origin named for this reader. */
  readonly promised?: Sha256 | undefined
}

/** The content of one reader that has joined a flight. */
export class FlightContent implements Content {
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
