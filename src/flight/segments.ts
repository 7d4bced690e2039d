/**
 * The rest of a body as ranges in parallel, given out in order. To its reader it is the body of the answer with which it began:
 * it brings the same bytes, faster, and where it cannot go on it ends as a connection that was cut. So the file on disk only
 * ever grows, and nothing else in a download knows of segments.
 *
 *   ├── given out ──┤ first connection │ segment │ segment │ segment │  not asked for yet …
 *                   at                  └─ memory, at most --segment-memory ─┘
 *
 * The first connection becomes the first segment. A second one is added, and where the total rate has grown by it, all that
 * the settings allow.
 */

import { systemCode } from '../errors.js'
import { Pace } from './pace.js'
import type { Parallel } from './parallel.js'
import { Segment, type Opened } from './segment.js'

/** Segments that are under way or wait in memory, for each connection. */
const AHEAD = 2
/** A segment is slow below this share of the rate of its siblings, after so many milliseconds. */
const SLOW = 0.25
const SLOW_AFTER = 1_000
/** Bytes of the segments at the end. */
const LEAST = 1024 * 1024
/** Connections in a row that bring no byte of a segment, until the download takes over. */
const TRIES = 1
/** Bytes that may be on their way when a connection is given up; a share of the body that duplicates may take. */
const ON_THE_WAY = 256 * 1024
const DUPLICATES = 0.01

/** The answer to a range is no part of this content, or the origin is busy. */
export class Unfit extends Error {
  readonly code = 'ERR_UNFIT_SEGMENT'
  /** Later it may give the range: 429, 503. */
  readonly busy: boolean

  constructor(status: number) {
    super(`the origin answered ${status} to a range`)
    this.busy = status === 429 || status === 503
  }
}

export interface SegmentsOptions {
  readonly first: Opened
  readonly url: URL
  /** Where the body of the first connection begins, and where the content ends. */
  readonly position: number
  readonly length: number
  readonly parallel: Parallel
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Asks for a range. `spare`: it takes no place from anybody. Throws {@link Unfit}, or what the network throws. */
  open(segment: Segment, spare: boolean, signal: AbortSignal): Promise<Opened>
  /** Bytes that came and are of no use. */
  waste(bytes: number): void
  /** How many connections bring bytes. */
  running(connections: number): void
}

export class Segments {
  readonly #o: SegmentsOptions
  /** In order; the first is being given out. */
  #segments: Segment[] = []
  readonly #pace: Pace
  #next: number
  #wasted = 0
  #reasked: Segment | undefined
  #wake: () => void = () => undefined
  /** Bytes of segments that have been given out. */
  #finished = 0

  constructor(options: SegmentsOptions) {
    this.#o = options
    this.#next = options.position
    this.#pace = new Pace(options.parallel.terms, options.now)
  }

  /** Throws what the last connection met with, where no other one can go on. */
  async *read(): AsyncGenerator<Buffer> {
    const { length, first, parallel, url, now } = this.#o
    const body = first.body[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>
    const startedAt = { time: 0, bytes: 0 }
    // Alone, until its pace is known.
    for (;;) {
      const { value, done }: IteratorResult<Buffer, undefined> = await body.next()
      if (done === true) return
      this.#next += value.length
      yield value
      if (startedAt.time === 0) startedAt.time = now()
      else startedAt.bytes += value.length
      const span = now() - startedAt.time
      if (span < parallel.terms.interval) continue
      const rate = (startedAt.bytes / span) * 1000
      const isWorthIt = length - this.#next >= parallel.terms.least / 2 && rate < parallel.terms.fast
      if (!isWorthIt || !parallel.admits(url)) {
        yield* { [Symbol.asyncIterator]: () => body }
        return
      }
      yield* this.#together({ body: { [Symbol.asyncIterator]: () => body }, discard: () => first.discard() }, rate)
      return
    }
  }

  async *#together(first: Opened, rate: number): AsyncGenerator<Buffer> {
    const { length, parallel } = this.#o
    const tick = setInterval(() => this.#tick(), parallel.terms.interval / 2)
    try {
      this.#add(this.#size(rate), () => Promise.resolve(first))
      this.#pace.limit = 2
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

  /** The next segment to be given out has lost its connection: the rest of it is asked for again, in a place of its own. */
  #again(head: Segment): void {
    const { failure } = head
    const isFinal = failure instanceof Unfit && !failure.busy
    if (isFinal || (head.fruitless > TRIES && !isDisplaced(failure))) throw failure
    this.#fill(head, 'own')
  }

  /** Starts what the limits allow. */
  #schedule(): void {
    const { length, parallel } = this.#o
    const count = (): number => this.#segments.filter(({ running }) => running).length
    while (this.#next < length && count() < this.#pace.limit && this.#segments.length < AHEAD * this.#pace.limit) {
      const isLast = this.#pace.limit === 1
      if (isLast && this.#segments.length > 0) break
      const size = isLast ? length - this.#next : this.#size(this.#rate() / Math.max(1, count()))
      if (!isLast && !parallel.take(size)) {
        if (this.#segments.length > 0) break
        // Without memory one connection goes on, at the pace of its reader.
        this.#pace.limitTo(1)
        continue
      }
      this.#add(size, undefined, isLast ? 0 : size)
    }
    this.#o.running(count())
  }

  #add(size: number, opened?: () => Promise<Opened>, memory = 0): void {
    const { now } = this.#o
    const start = this.#next
    const end = Math.min(start + size, this.#o.length)
    this.#next = end
    const own = this.#segments.length === 0
    const segment = new Segment({ start, end, memory, now, onChange: () => this.#wake() })
    this.#segments.push(segment)
    this.#fill(segment, own ? 'own' : 'spare', opened)
  }

  #fill(segment: Segment, place: 'own' | 'spare', opened?: () => Promise<Opened>): void {
    const open = opened ?? ((signal: AbortSignal) => this.#o.open(segment, place === 'spare', signal))
    void segment
      .fill(open, (bytes) => this.#waste(bytes))
      .then(() => {
        const { failure } = segment
        if (failure === undefined || isReasked(failure)) return this.#schedule()
        // Another download needs the place, or this origin wants fewer connections.
        if (isDisplaced(failure)) this.#pace.limitTo(Math.max(1, this.#pace.limit - 1))
        else if (failure instanceof Unfit) {
          this.#pace.limitTo(1)
          this.#o.parallel.rest(this.#o.url)
          this.#handBack()
        }
        this.#wake()
      })
  }

  /** A connection that was asked for everything brings the rest itself, where no other one has brought a byte yet. */
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
    const { smallest, largest } = this.#o.parallel.terms
    // What takes a connection half a second.
    const size = Math.max(smallest, Math.min(largest, Math.round(rate / 2)))
    // At the end all connections finish together.
    const share = Math.ceil((this.#o.length - this.#next) / this.#pace.limit)
    return Math.max(Math.min(size, share), Math.min(smallest, LEAST))
  }

  #waste(bytes: number): void {
    this.#wasted += bytes
    this.#o.waste(bytes)
  }

  #received(): number {
    return this.#segments.reduce((sum, { received }) => sum + received, this.#finished)
  }

  #rate(): number {
    return this.#segments.reduce((sum, segment) => sum + (segment.running ? segment.rate : 0), 0)
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  #tick(): void {
    const running = this.#segments.filter(({ running: is }) => is)
    this.#pace.observe({
      running: running.length,
      begun: running.every(({ received, before }) => received > before),
      received: this.#received(),
    })
    this.#probe()
    this.#reask()
    this.#schedule()
  }

  /** Networks change: after a while a download that has one connection tries two again. */
  #probe(): void {
    const [only] = this.#segments
    const { parallel, url, length } = this.#o
    if (only?.running !== true || this.#segments.length > 1 || !this.#pace.mayProbe(parallel.admits(url))) return
    if (length - only.at < parallel.terms.least / 2) return
    this.#pace.probe(only.rate)
    only.end = only.at + this.#size(only.rate)
    this.#next = only.end
  }

  /** The segment that everybody waits for is much slower than its siblings: the rest of it is asked for elsewhere. */
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

class Slow extends Error {
  readonly code = 'ERR_SLOW_SEGMENT'
}

function isReasked(failure: unknown): boolean {
  return failure instanceof Slow
}

function isDisplaced(failure: unknown): boolean {
  const code = systemCode(failure)
  return code === 'ERR_YIELDED' || code === 'ERR_NO_ROOM'
}
