/** One range of a body on its way: filled by a connection, emptied in order. */

import { KissError } from '../errors.js'

/** Bytes that a segment of unknown pace may hold before its connection has to wait. */
const STREAMED = 1024 * 1024

export interface SegmentOptions {
  readonly start: number
  /** The byte after its last. */
  readonly end: number
  /** Bytes of memory that are set aside for it; 0: its connection waits for its reader. */
  readonly memory: number
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Told of bytes, of the end and of a failure. */
  readonly onChange: () => void
}

export class Segment {
  /** The byte after its last; may move while it is filled by a connection that was asked for everything. */
  end: number
  readonly memory: number
  readonly start: number
  /** Bytes that arrived. */
  received = 0
  /** When the present connection was asked, and what had arrived then. */
  since: number
  before = 0
  /** Connections in a row that brought no byte. */
  fruitless = 0
  /** A connection brings bytes, or is asked to. */
  running = false
  /** Why the last connection ended too early. */
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

  /** Where the next byte belongs. */
  get at(): number {
    return this.start + this.received
  }

  get complete(): boolean {
    return this.at === this.end
  }

  /** Bytes a second of the present connection. */
  get rate(): number {
    return ((this.received - this.before) / Math.max(1, (this.#endedAt ?? this.#o.now()) - this.since)) * 1000
  }

  /** Gives up the present connection; what has arrived stays. */
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
   * Fills it from a connection until it is complete, the connection ends, or it is stopped; never rejects. `open` asks for the
   * bytes from `at`; `waste` is told of bytes beyond the end.
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
      if (!this.complete) throw new KissError('origin-failed', `the range ended at byte ${this.at} of ${this.end}`)
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
  /** The body ends where the segment does: its connection can be used again. */
  readonly exact?: boolean
  discard(): Promise<void>
}
