/** The landing of a download that goes to one reader and is kept nowhere: read once, from its start to its end. */

import { createHash, type Hash } from 'node:crypto'
import { asKissError, KissError } from '../errors.js'
import type { Sha256 } from '../store/types.js'
import type { Head } from './directory.js'
import { changedError } from './ending.js'
import type { LandingPlace } from './landing.js'
import { agrees } from './state.js'

/** Bytes that may wait for the reader before the network has to. */
const PENDING = 1024 * 1024

export interface StreamOptions {
  /** Displayable URL. */
  readonly shown: string
  /** The sum that the reader was promised; the last byte waits until it agrees. */
  readonly promised: Sha256 | undefined
  /** Ends the wait for the reader. */
  readonly signal: AbortSignal
}

export class Stream implements LandingPlace {
  head: Head | undefined
  /** Bytes that arrived. */
  size = 0
  /** Every byte is here, and the sum agrees with the promised one. */
  complete = false
  /** Resolves when the head is known, or the end. */
  readonly decided: Promise<void>
  #decide: () => void = () => undefined
  readonly #o: StreamOptions
  readonly #hash: Hash = createHash('sha256')
  /** Of the bytes that an answer brings again. */
  #again: Hash = createHash('sha256')
  #chunks: Buffer[] = []
  /** Bytes in {@link #chunks}. */
  #waiting = 0
  /** Bytes that were read. */
  #read = 0
  #failure: Error | undefined
  #ended = false
  #changed: () => void = () => undefined
  #drained: () => void = () => undefined

  constructor(options: StreamOptions) {
    this.#o = options
    this.decided = new Promise((resolve) => (this.#decide = resolve))
    options.signal.addEventListener('abort', () => this.#drained(), { once: true })
  }

  get writer(): this {
    return this
  }

  /** Throws `content-changed` for another content, and `digest-mismatch` for one that was not promised. */
  async learn(head: Head): Promise<void> {
    const { shown, promised } = this.#o
    if (!agrees(this.head, head)) throw changedError(shown)
    if (promised !== undefined && head.sha256 !== undefined) this.#check(head.sha256)
    this.head = head
    this.#decide()
  }

  show(): void {
    // The reader sees each byte as it is appended.
  }

  /** Resolves when the next chunk is welcome. */
  async append(chunk: Buffer): Promise<void> {
    this.#hash.update(chunk)
    this.size += chunk.length
    this.#chunks.push(chunk)
    this.#waiting += chunk.length
    this.#changed()
    while (this.#waiting > PENDING && !this.#o.signal.aborted) {
      await new Promise<void>((resolve) => (this.#drained = resolve))
    }
    this.#o.signal.throwIfAborted()
  }

  /**
   * Bytes that have gone cannot be compared one by one: the sum tells when all of them have come again. Before, the answer is
   * yes, and nothing is appended.
   */
  async holds(chunk: Buffer, position: number): Promise<boolean> {
    if (position === 0) this.#again = createHash('sha256')
    this.#again.update(chunk)
    return position + chunk.length < this.size || this.#again.digest('hex') === this.digest()
  }

  /** The sum of all bytes so far. */
  digest(): Sha256 {
    return this.#hash.copy().digest('hex')
  }

  async flush(): Promise<void> {
    // Nothing waits for a disk.
  }

  /** Every byte has arrived. */
  finish(): void {
    try {
      this.#check(this.digest())
      this.complete = true
      this.#end()
    } catch (error) {
      this.fail(error)
    }
  }

  /** No byte will come any more; those that are here can be read. */
  fail(error: unknown): void {
    this.#failure = error instanceof Error ? error : asKissError(error)
    this.#end()
  }

  /** Why no byte will come any more. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** 0 is the end. Throws why the bytes will never come. */
  async read(buffer: Uint8Array, position: number): Promise<number> {
    if (position !== this.#read) throw new KissError('internal', 'a stream is read once, from its start to its end')
    for (;;) {
      const [first] = this.#chunks
      const free = this.#waiting - (this.#o.promised === undefined || this.complete ? 0 : 1)
      if (first !== undefined && free > 0) {
        const bytes = first.subarray(0, free).copy(buffer)
        this.#take(first, bytes)
        return bytes
      }
      if (this.#failure !== undefined) throw this.#failure
      if (this.#ended) return 0
      await new Promise<void>((resolve) => (this.#changed = resolve))
    }
  }

  #take(first: Buffer, bytes: number): void {
    if (bytes === first.length) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(bytes)
    this.#waiting -= bytes
    this.#read += bytes
    this.#drained()
  }

  #check(sum: Sha256): void {
    const { shown, promised } = this.#o
    if (promised === undefined || sum === promised) return
    throw new KissError('digest-mismatch', `${shown}: the SHA-256 of the content is ${sum}, not ${promised}`)
  }

  #end(): void {
    this.#ended = true
    this.#decide()
    this.#changed()
    this.#drained()
  }
}
