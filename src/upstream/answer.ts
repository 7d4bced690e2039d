/** An origin's final answer as the engine sees it: bytes under the cap and the stall timeout, read, discarded or excerpted. */

import type { Readable } from 'node:stream'
import { type Dispatcher, errors } from 'undici'
import { LONGEST_TIMER } from '../waits.js'
import type { Rate } from './rate.js'
import type { OriginAnswer, Turn } from './types.js'

/** Bytes of an error page that are read. */
const EXCERPT = 4096
/** Milliseconds that such a page may take. */
const EXCERPT_TIMEOUT = 5000
/** Bytes that are read and dropped, so that the connection can be reused; for a longer body the connection is closed. */
const DRAIN = 16 * 1024
const DRAIN_TIMEOUT = 1000

/** An answer whose body was not read yet. */
export interface Received extends Omit<OriginAnswer, 'body' | 'discard' | 'excerpt'> {
  readonly body: Readable
}

export interface ReadingTerms {
  readonly turn: Turn
  readonly rate: Rate | undefined
  /** Milliseconds until the first byte of the body. */
  readonly firstByteTimeout: number
  /** Milliseconds without a byte after the first. */
  readonly stallTimeout: number
}

export function answerOf(
  { body, ...received }: Received,
  { turn, rate, firstByteTimeout, stallTimeout }: ReadingTerms,
): OriginAnswer {
  const intake = new Intake(body)
  let reading = false
  async function* read(): AsyncGenerator<Buffer> {
    reading = true
    try {
      await turn.enter()
      for await (const chunk of intake.read({ first: firstByteTimeout, next: stallTimeout })) {
        turn.count(chunk.length)
        await rate?.take(chunk.length, turn.signal)
        yield chunk
      }
    } finally {
      turn.leave()
    }
  }
  return {
    ...received,
    body: { [Symbol.asyncIterator]: read },
    discard: async () => {
      turn.leave()
      intake.drop(reading ? 0 : DRAIN, DRAIN_TIMEOUT)
    },
    excerpt: async () => {
      const timer = setTimeout(() => intake.drop(0, 0), EXCERPT_TIMEOUT)
      const parts: Buffer[] = []
      let length = 0
      try {
        for await (const part of intake.read()) {
          parts.push(part)
          length += part.length
          if (length >= EXCERPT) break
        }
      } catch {
        // A page that is cut short is shown as far as it came.
      } finally {
        clearTimeout(timer)
        turn.leave()
        intake.drop(DRAIN, DRAIN_TIMEOUT)
      }
      return Buffer.concat(parts).subarray(0, EXCERPT).toString()
    },
  }
}

/** Discards the body. */
export function drain(body: Readable | Dispatcher.ResponseData['body']): void {
  if (!('dump' in body)) return void body.destroy()
  // An abort or a failure ends the body as well.
  body.dump({ limit: DRAIN, signal: AbortSignal.timeout(DRAIN_TIMEOUT) }).catch(() => undefined)
}

/** Bytes that may be buffered, in two chunks or more, before reading from the network pauses. */
const LIMIT = 256 * 1024

/** Milliseconds that the reader waits for a byte. */
interface IntakeTimes {
  readonly first: number
  readonly next: number
}

/**
 * Buffers a body as it arrives. A broken stream drops its buffered bytes; here every byte that arrived is read before the
 * error, so that a cut loses no byte.
 */
class Intake {
  readonly #source: Readable
  #chunks: Buffer[] = []
  #bytes = 0
  #end: { readonly error?: Error } | undefined
  /** Bytes that may still pass unread before the source is given up; undefined while there is a reader. */
  #allowance: number | undefined
  #wake: () => void = () => undefined

  constructor(source: Readable) {
    this.#source = source
    source.on('data', (chunk: Buffer) => this.#take(chunk))
    source.on('end', () => this.#finish({}))
    source.on('error', (error) => this.#finish({ error }))
    source.on('close', () => this.#finish({ error: new Error('the body was closed') }))
    if (source.errored) this.#finish({ error: source.errored })
    else if (source.readableEnded) this.#finish({})
  }

  async *read({ first, next }: IntakeTimes = { first: Infinity, next: Infinity }): AsyncGenerator<Buffer> {
    let patience = first
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#bytes -= chunk.length
        if (!this.#isFull) this.#source.resume()
        patience = next
        yield chunk
      } else if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw this.#end.error
        return
      } else {
        await this.#more(patience)
      }
    }
  }

  /** Resolves at the next chunk or at the end; an origin that is silent for `ms` ends the body. */
  async #more(ms: number): Promise<void> {
    const silent = () => this.#source.destroy(new errors.BodyTimeoutError(`no byte for ${ms / 1000} s`))
    const timer = ms <= LONGEST_TIMER ? setTimeout(silent, ms) : undefined
    await new Promise<void>((resolve) => (this.#wake = resolve))
    clearTimeout(timer)
  }

  /** Stops reading: drops at most `bytes` more within `ms`, so that the connection can be reused, then closes it. */
  drop(bytes: number, ms: number): void {
    this.#chunks = []
    this.#allowance = bytes
    if (this.#end !== undefined) return
    // A remaining reader learns of it by the close.
    if (bytes === 0) return void this.#source.destroy()
    const timer = setTimeout(() => this.#source.destroy(), ms)
    this.#wake = () => clearTimeout(timer)
    this.#source.resume()
  }

  #take(chunk: Buffer): void {
    if (this.#allowance !== undefined) {
      this.#allowance -= chunk.length
      if (this.#allowance < 0) this.#source.destroy()
      return
    }
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#isFull) this.#source.pause()
    this.#wake()
  }

  /** A pause after every large chunk made a miss of 512 MiB take 2.6 CPU seconds instead of 2.1. */
  get #isFull(): boolean {
    return this.#bytes >= LIMIT && this.#chunks.length > 1
  }

  #finish(end: { readonly error?: Error }): void {
    this.#end ??= end
    this.#wake()
  }
}
