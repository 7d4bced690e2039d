/** One range of a body. A connection fills the segment; the reader takes its bytes in order. */

import { systemCode } from '../errors.js'

/** Bytes that a segment without reserved memory may hold before its connection has to wait. */
const STREAMED = 1024 * 1024

export interface SegmentOptions {
  readonly start: number
  /** The position after the last byte of the segment. */
  readonly end: number
  /** Bytes of memory that are reserved for the segment. With 0 its connection waits for the reader. */
  readonly memory: number
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Called when bytes have arrived, when the segment has ended and when its connection has failed. */
  readonly onChange: () => void
}

export class Segment {
  /** The position after the last byte. It can move while a connection fills the segment whose request had no end of range. */
  end: number
  readonly memory: number
  readonly start: number
  /** Number of bytes that have arrived. */
  received = 0
  /** The time of the current connection's request, and the number of bytes that had arrived before it. */
  since: number
  before = 0
  /** Number of consecutive connections that brought no byte. */
  fruitless = 0
  /** True from the request of a connection until its end. */
  running = false
  /** The error that ended the last connection before the end of the segment. */
  failure: unknown
  readonly #o: SegmentOptions
  #chunks: Buffer[] = []
  #waiting = 0
  #drained: () => void = () => undefined
  #abort = new AbortController()
  #endedAt: number | undefined

  constructor(options: SegmentOptions) {
    this.#o = options
    this.start = options.start
    this.end = options.end
    this.memory = options.memory
    this.since = options.now()
  }

  /** The position of the next byte. */
  get at(): number {
    return this.start + this.received
  }

  get complete(): boolean {
    return this.at === this.end
  }

  /** Bytes a second of the current connection. */
  get rate(): number {
    return ((this.received - this.before) / Math.max(1, (this.#endedAt ?? this.#o.now()) - this.since)) * 1000
  }

  /** Ends the current connection. The segment keeps the bytes that have arrived. */
  stop(reason: Error): void {
    this.#abort.abort(reason)
  }

  next(): Buffer | undefined {
    const chunk = this.#chunks.shift()
    if (chunk === undefined) return undefined
    this.#waiting -= chunk.length
    this.#drained()
    return chunk
  }

  /**
   * Fills the segment from one connection until the segment is complete, the connection ends, or `stop` is called. Never
   * rejects. `open` requests the bytes from `at`; `waste` gets the number of bytes beyond the end.
   */
  async fill(open: (signal: AbortSignal) => Promise<Opened>, waste: (bytes: number) => void): Promise<void> {
    this.running = true
    this.failure = undefined
    this.#endedAt = undefined
    this.since = this.#o.now()
    this.before = this.received
    this.#abort = new AbortController()
    const { signal } = this.#abort
    let opened: Opened | undefined
    const stop = (): void => {
      this.#drained()
      void opened?.discard()
    }
    signal.addEventListener('abort', stop, { once: true })
    try {
      opened = await open(signal)
      for await (const chunk of opened.body) {
        signal.throwIfAborted()
        const fitting = Math.min(chunk.length, this.end - this.at)
        if (fitting < chunk.length) waste(chunk.length - fitting)
        this.#take(chunk.subarray(0, fitting))
        if (this.complete && opened.exact !== true) break
        if (this.memory === 0) await this.#room(signal)
      }
      signal.throwIfAborted()
      if (!this.complete) throw new Error(`the range ended at byte ${this.at} of ${this.end}`)
    } catch (error) {
      this.failure = signal.aborted ? signal.reason : error
    } finally {
      signal.removeEventListener('abort', stop)
      await opened?.discard()
      this.fruitless = this.received === this.before ? this.fruitless + 1 : 0
      this.#endedAt = this.#o.now()
      this.running = false
      this.#o.onChange()
    }
  }

  #take(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#waiting += chunk.length
    this.received += chunk.length
    this.#o.onChange()
  }

  async #room(signal: AbortSignal): Promise<void> {
    while (this.#waiting > STREAMED && !signal.aborted) {
      await new Promise<void>((resolve) => (this.#drained = resolve))
    }
  }
}

export interface Opened {
  readonly body: AsyncIterable<Buffer>
  /** The response ends where the segment ends, so its connection can be reused. */
  readonly exact?: boolean
  discard(): Promise<void>
}

/** The response to a range request does not belong to this content, or the origin is busy. */
export class Unfit extends Error {
  readonly code = 'ERR_UNFIT_SEGMENT'
  /** The origin refused the range for now: 429 or 503. */
  readonly busy: boolean

  constructor(status: number) {
    super(`a range was answered by ${status}`)
    this.busy = status === 429 || status === 503
  }
}

/** The rest of the segment is requested again. */
export class Slow extends Error {
  readonly code = 'ERR_SLOW_SEGMENT'
}

/** Another download needs the place of the connection, or the host has none. */
export function isDisplaced(failure: unknown): boolean {
  const code = systemCode(failure)
  return code === 'ERR_YIELDED' || code === 'ERR_NO_ROOM'
}
