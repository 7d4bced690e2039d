/** The slot of one request among the downloads: taken at most once, and returned or taken away at most once. */
import type { Gate, Visitor } from './gate.js'
import type { OriginRequest } from './types.js'

/** Milliseconds over which the speed of a download is measured. */
const WINDOW = 10_000
/** Milliseconds until the first byte without a reader: clients get `Retry-After: 30`. */
const SILENCE = 60_000

/** The download was slow, and another waited for its place. The received bytes are kept; the next attempt waits for a place. */
class Yielded extends Error {
  readonly code = 'ERR_YIELDED'
}

export interface TurnOptions {
  readonly gate: Gate
  readonly request: OriginRequest
  /** Bytes a second: a slower download yields. */
  readonly floor: number
  /** Monotonic milliseconds. */
  readonly now: () => number
}

export class Turn {
  readonly #o: TurnOptions
  readonly #taken = new AbortController()
  /** Aborted with the request, and with {@link Yielded} when its place is taken away. */
  readonly signal: AbortSignal
  #begun: Promise<void> | undefined
  #place: Promise<() => void> | undefined
  #left = false
  /** The start of a measurement. */
  #mark = { at: 0, bytes: 0 }
  #bytes = 0

  constructor(options: TurnOptions) {
    this.#o = options
    this.signal = AbortSignal.any([options.request.signal, this.#taken.signal])
  }

  /** Called before the first request to a server: waits for a slot if the request is a download. */
  async begin(): Promise<void> {
    this.#begun ??= this.#begin()
    await this.#begun
  }

  async #begin(): Promise<void> {
    const { request } = this.#o
    if (isDownload(request)) await this.enter()
    request.onStart?.()
  }

  /** Resolves with a slot; at once if there is one already, or if none is needed any more. */
  async enter(): Promise<void> {
    if (this.#left) return
    this.#place ??= this.#enter()
    await this.#place
  }

  async #enter(): Promise<() => void> {
    const { gate, request, now } = this.#o
    const { url, lane, client, onQueue, spare = false } = request
    const visitor: Visitor = {
      host: lane?.name ?? `${url.protocol}//${url.host}`,
      places: lane?.places,
      client,
      spare,
      isSlow: (greedy) => this.#isSlow(greedy),
      yield: () => this.#taken.abort(new Yielded('another download waited for its place')),
      ...(onQueue && { onQueue }),
    }
    const leave = await gate.enter(visitor, this.signal)
    this.#mark = { at: now(), bytes: this.#bytes }
    return leave
  }

  /** Bytes of the body that arrived. */
  count(bytes: number): void {
    this.#bytes += bytes
  }

  #isSlow(greedy: boolean): boolean {
    const { request, floor, now } = this.#o
    const { readers = () => 1 } = request
    const span = now() - this.#mark.at
    if (span < (this.#bytes === 0 ? SILENCE : WINDOW)) return false
    const rate = ((this.#bytes - this.#mark.bytes) / span) * 1000
    if (rate >= floor) this.#mark = { at: now(), bytes: this.#bytes }
    return rate < floor && (greedy || readers() === 0)
  }

  leave(): void {
    this.#left = true
    // A slot that was not taken is not returned.
    this.#place?.then(
      (giveBack) => giveBack(),
      () => undefined,
    )
  }
}

/** HEAD and conditional requests are small: they need no slot. */
function isDownload({ method, headers }: OriginRequest): boolean {
  return method === 'GET' && headers['if-none-match'] === undefined && headers['if-modified-since'] === undefined
}
