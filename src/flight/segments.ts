/**
 * Downloads the rest of a body as parallel ranges and yields the bytes in order. For its reader it is the body of the first
 * response: the same bytes, at a higher rate. If it cannot continue, it ends like a connection that was cut. The file on
 * disk therefore only grows, and the rest of the download code does not know of segments.
 *
 *   ├── yielded ────┤ first connection │ segment │ segment │ segment │  not requested yet …
 *                   at                  └─ memory, at most --segment-memory ─┘
 *
 * The first connection becomes the first segment. Further connections are added. If they raise the total rate, more follow,
 * up to the limit of the settings.
 */

import { systemCode } from '../errors.js'
import { Pace } from './pace.js'
import { LEAST, type Parallel, type ParallelTerms } from './parallel.js'
import { isDisplaced, Segment, Slow, Unfit, type Opened } from './segment.js'

/** Number of segments for each connection: those that are being filled and those that wait in memory. */
const AHEAD = 2
/** Milliseconds that one connection needs for a segment, at least … */
const SHORTEST = 500
/** … and as a multiple of the time from a request to its headers, in which the connection is idle. */
const REQUESTS = 40
/** How often the download looks at its rate in one interval of measurement. */
const TICKS = 10
/** A segment is slow when its rate is below this share of the median of the other segments after this number of milliseconds. */
const SLOW = 0.25
const SLOW_AFTER = 1_000
/** Number of consecutive connections without a byte for one segment, after which the download handles the failure. */
const TRIES = 1
/** Bytes that can still arrive after a connection was ended; the largest share of a body that may be downloaded twice. */
const ON_THE_WAY = 256 * 1024
const DUPLICATES = 0.01

export interface SegmentsOptions {
  readonly first: Opened
  readonly url: URL
  /** The position of the first byte of the first connection, and the length of the content. */
  readonly position: number
  readonly length: number
  readonly parallel: Parallel
  /** Monotonic milliseconds. */
  readonly now: () => number
  /**
   * Requests a range. With `spare` the connection takes no place from another download. Throws {@link Unfit} or a network
   * error.
   */
  open(segment: Segment, spare: boolean, signal: AbortSignal): Promise<Opened>
  /** Called with the number of bytes that arrived and were discarded. */
  waste(bytes: number): void
  /** Called with the number of connections that are open. */
  running(connections: number): void
}

export class Segments {
  readonly #o: SegmentsOptions
  readonly #terms: ParallelTerms
  /** In order of position; the first one is being yielded. */
  #segments: Segment[] = []
  readonly #pace: Pace
  #next: number
  #wasted = 0
  #reasked: Segment | undefined
  #wake: () => void = () => undefined
  /** Milliseconds from a request to its headers, at least. */
  #latency: number | undefined
  /** Number of bytes in the segments that were yielded completely. */
  #finished = 0
  /** The last attempt to add a segment found no memory. */
  #isFull = false
  /** The reader has left, or has all bytes: no connection is opened any more. */
  #isOver = false

  constructor(options: SegmentsOptions) {
    this.#o = options
    this.#next = options.position
    this.#terms = options.parallel.termsFor(options.length)
    this.#pace = new Pace(this.#terms, options.now)
  }

  /** Throws the error of the last connection if no other connection can continue. */
  async *read(): AsyncGenerator<Buffer> {
    const { length, first, parallel, url, now } = this.#o
    const body = first.body[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>
    const startedAt = { time: 0, bytes: 0 }
    // One connection until its rate is known.
    for (;;) {
      const { value, done }: IteratorResult<Buffer, undefined> = await body.next()
      if (done === true) return
      this.#next += value.length
      yield value
      if (startedAt.time === 0) startedAt.time = now()
      else startedAt.bytes += value.length
      const span = now() - startedAt.time
      if (span < this.#terms.interval) continue
      const rate = (startedAt.bytes / span) * 1000
      const left = length - this.#next
      const isWorthIt = left >= this.#terms.least / 2 && rate < this.#terms.fast
      if (!isWorthIt || !parallel.admits(url, (left / rate) * 1000)) {
        yield* { [Symbol.asyncIterator]: () => body }
        return
      }
      yield* this.#together({ body: { [Symbol.asyncIterator]: () => body }, discard: () => first.discard() }, rate)
      return
    }
  }

  async *#together(first: Opened, rate: number): AsyncGenerator<Buffer> {
    const { length, parallel } = this.#o
    const tick = setInterval(() => this.#tick(), this.#terms.interval / TICKS)
    try {
      this.#add(this.#size(rate), () => Promise.resolve(first))
      this.#pace.begin(rate)
      this.#schedule()
      for (let head = this.#segments[0]; head !== undefined; head = this.#segments[0]) {
        const chunk = head.next()
        if (chunk !== undefined) yield chunk
        else if (head.complete) this.#finish(head)
        else if (head.running) await this.#change()
        else this.#again(head)
      }
      if (this.#next < length) throw new Error('segments ended early')
    } finally {
      this.#isOver = true
      clearInterval(tick)
      for (const segment of this.#segments) {
        segment.stop(new Error('the download ends'))
        for (let chunk = segment.next(); chunk !== undefined; chunk = segment.next()) this.#waste(chunk.length)
        parallel.give(segment.memory)
      }
      this.#o.running(0)
    }
  }

  #finish(head: Segment): void {
    this.#segments.shift()
    this.#finished += head.received
    this.#o.parallel.give(head.memory)
    this.#schedule()
  }

  /** The segment that is being yielded has lost its connection: requests the rest of it in the download's own place. */
  #again(head: Segment): void {
    const { failure } = head
    // Another node continues the download, or the origin does not send ranges of this content.
    const isFinal = systemCode(failure) === 'ERR_MOVED' || (failure instanceof Unfit && !failure.busy)
    if (isFinal || (head.fruitless > TRIES && !isDisplaced(failure))) throw failure
    this.#fill(head, 'own')
  }

  /** Starts as many connections as the limits allow. */
  #schedule(): void {
    const { length, parallel } = this.#o
    const count = (): number => this.#segments.filter(({ running }) => running).length
    this.#isFull = false
    // A connection that got no place, or lost it, left its segment to the next one.
    for (const segment of this.#segments.slice(1)) {
      const isLeft = !segment.running && !segment.complete && isDisplaced(segment.failure)
      if (isLeft && count() < this.#pace.limit) this.#fill(segment, 'spare')
    }
    while (this.#next < length && count() < this.#pace.limit && this.#segments.length < AHEAD * this.#pace.limit) {
      const isLast = this.#pace.limit === 1
      if (isLast && this.#segments.length > 0) break
      const size = isLast ? length - this.#next : this.#size(this.#rate())
      if (!isLast && this.#isTooFarAhead(size)) break
      if (!isLast && !parallel.take(size)) {
        this.#isFull = true
        if (this.#segments.length > 0) break
        // Without memory for a segment one connection continues, and it waits for the reader.
        this.#pace.limitTo(1)
        continue
      }
      this.#add(size, undefined, isLast ? 0 : size)
    }
    this.#o.running(count())
  }

  #add(size: number, opened?: () => Promise<Opened>, memory = 0): void {
    const start = this.#next
    const end = Math.min(start + size, this.#o.length)
    this.#next = end
    const own = this.#segments.length === 0
    const segment = new Segment({ start, end, memory, now: this.#o.now, onChange: () => this.#wake() })
    this.#segments.push(segment)
    this.#fill(segment, own ? 'own' : 'spare', opened)
  }

  #fill(segment: Segment, place: 'own' | 'spare', opened?: () => Promise<Opened>): void {
    const open = opened ?? ((signal: AbortSignal) => this.#open(segment, place === 'spare', signal))
    void segment
      .fill(open, (bytes) => this.#waste(bytes))
      .then(() => {
        if (this.#isOver) return
        const { failure } = segment
        if (failure === undefined || failure instanceof Slow) return this.#schedule()
        // Another download needs the place, or the origin accepts fewer connections.
        if (isDisplaced(failure)) this.#pace.limitTo(Math.max(1, this.#pace.limit - 1))
        else if (failure instanceof Unfit) {
          this.#pace.limitTo(1)
          this.#o.parallel.rest(this.#o.url)
          this.#handBack()
        }
        this.#wake()
      })
  }

  async #open(segment: Segment, spare: boolean, signal: AbortSignal): Promise<Opened> {
    const askedAt = this.#o.now()
    const opened = await this.#o.open(segment, spare, signal)
    this.#latency = Math.min(this.#latency ?? Infinity, this.#o.now() - askedAt)
    return opened
  }

  /** The connection whose request had no end of range brings the rest, if no other connection has brought a byte yet. */
  #handBack(): void {
    const [head, ...others] = this.#segments
    if (head?.running !== true || head.complete || head.memory > 0) return
    if (others.some(({ received }) => received > 0)) return
    for (const segment of others) {
      segment.stop(new Error('the first connection brings its bytes'))
      this.#o.parallel.give(segment.memory)
    }
    this.#segments = [head]
    head.end = this.#o.length
    this.#next = head.end
  }

  #size(rate: number): number {
    const { smallest, largest } = this.#terms
    const span = Math.max(SHORTEST, REQUESTS * (this.#latency ?? 0))
    const size = Math.max(smallest, Math.min(largest, Math.round((rate * span) / 1000)))
    // At the end of the body all connections finish at the same time.
    const share = Math.ceil((this.#o.length - this.#next) / this.#pace.limit)
    return Math.max(Math.min(size, share), Math.min(smallest, LEAST))
  }

  /** With `size` more bytes, too many bytes would be requested and not yet in the file. */
  #isTooFarAhead(size: number): boolean {
    const [head] = this.#segments
    return head !== undefined && this.#next + size - head.start > this.#terms.ahead * this.#o.length
  }

  #waste(bytes: number): void {
    this.#wasted += bytes
    this.#o.waste(bytes)
  }

  /** Bytes a second of the fastest connection: the others may just have begun. */
  #rate(): number {
    return Math.max(0, ...this.#segments.map(({ running, rate }) => (running ? rate : 0)))
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  #tick(): void {
    const running = this.#segments.filter(({ running: is }) => is)
    this.#pace.observe({
      running: running.length,
      begun: running.every(({ received, before }) => received > before),
      received: this.#segments.reduce((sum, { received }) => sum + received, this.#finished),
      full: this.#isFull,
    })
    this.#probe()
    this.#reask()
    this.#schedule()
  }

  /** The network may have changed: a download with fewer connections than allowed tries more after a while. */
  #probe(): void {
    const [head, ...others] = this.#segments
    const { parallel, url, length } = this.#o
    if (head?.running !== true || !this.#pace.isDue) return
    // The request of a single connection has no end of range.
    const isSingle = head.memory === 0 && head.end === length
    const left = length - (isSingle ? head.at : this.#next)
    if (left < this.#terms.least / 2 || (isSingle && others.length > 0)) return
    if (!parallel.admits(url, (left / this.#rate()) * 1000)) return
    this.#pace.again(this.#rate())
    if (!isSingle) return
    head.end = head.at + this.#size(head.rate)
    this.#next = head.end
  }

  /** The segment that is being yielded is much slower than the others: its rest is requested by a new connection. */
  #reask(): void {
    const [head] = this.#segments
    if (head?.running !== true || this.#reasked === head || this.#o.now() - head.since < SLOW_AFTER) return
    const rates = this.#segments
      .slice(1)
      .map(({ rate }) => rate)
      .sort((a, b) => a - b)
    const median = rates[rates.length >> 1]
    if (rates.length < 2 || median === undefined || head.rate >= SLOW * median) return
    if (this.#wasted + ON_THE_WAY > DUPLICATES * this.#o.length) return
    this.#reasked = head
    head.stop(new Slow('slower than its siblings'))
  }
}
