/** One request's place among the downloads: taken at most once, given back at most once, or taken away. */
import type { Gate, Visitor } from './gate.js'

/** Milliseconds over which the speed of a download is measured. */
const WINDOW = 10_000
/** Milliseconds that an origin may take to its first byte although nobody reads: clients are told to come again in 30 s. */
const SILENCE = 60_000

/** The download was slow, and another waited for its place. What has come is kept; asking again waits for a place. */
export class Yielded extends Error {
  readonly code = 'ERR_YIELDED'
}

export interface TurnOptions {
  readonly gate: Gate
  readonly host: string
  readonly client: string | undefined
  /** How many clients read, or wait for, what comes. */
  readonly readers: () => number
  /** Bytes a second: a slower download yields. */
  readonly floor: number
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly onQueue: ((place: () => number) => void) | undefined
  readonly signal: AbortSignal
}

export class Turn {
  readonly #o: TurnOptions
  readonly #taken = new AbortController()
  /** Aborted with the request, and with {@link Yielded} when its place is taken away. */
  readonly signal: AbortSignal
  #place: Promise<() => void> | undefined
  #left = false
  /** Where a measurement began. */
  #mark = { at: 0, bytes: 0 }
  #bytes = 0

  constructor(options: TurnOptions) {
    this.#o = options
    this.signal = AbortSignal.any([options.signal, this.#taken.signal])
  }

  /** Resolves when there is a place; at once when there is one already, or none is needed any more. */
  async enter(): Promise<void> {
    if (this.#left) return
    this.#place ??= this.#enter()
    await this.#place
  }

  async #enter(): Promise<() => void> {
    const { gate, host, client, onQueue, now, signal } = this.#o
    const visitor: Visitor = {
      host,
      client,
      isSlow: (greedy) => this.#isSlow(greedy),
      yield: () => this.#taken.abort(new Yielded('another download waited for its place')),
      ...(onQueue && { onQueue }),
    }
    const leave = await gate.enter(visitor, signal)
    this.#mark = { at: now(), bytes: this.#bytes }
    return leave
  }

  /** Bytes of the body that arrived. */
  count(bytes: number): void {
    this.#bytes += bytes
  }

  #isSlow(greedy: boolean): boolean {
    const { readers, floor, now } = this.#o
    const span = now() - this.#mark.at
    if (span < (this.#bytes === 0 ? SILENCE : WINDOW)) return false
    const rate = ((this.#bytes - this.#mark.bytes) / span) * 1000
    if (rate >= floor) this.#mark = { at: now(), bytes: this.#bytes }
    return rate < floor && (greedy || readers() === 0)
  }

  leave(): void {
    this.#left = true
    // A place that was not to be had need not be given back.
    this.#place?.then(
      (giveBack) => giveBack(),
      () => undefined,
    )
  }
}
