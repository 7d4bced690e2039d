/**
 * Buffers a body as it arrives. A broken stream drops its buffered bytes; here every byte that arrived is read before the
 * error, so that a cut loses no byte.
 */
import type { Readable } from 'node:stream'
import { errors } from 'undici'

/** Bytes that may be buffered before reading from the network pauses. */
const LIMIT = 256 * 1024

/** Milliseconds that the reader waits for a byte. */
export interface IntakeTimes {
  readonly first: number
  readonly next: number
}

export class Intake {
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
        if (this.#bytes < LIMIT) this.#source.resume()
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
    // setTimeout takes no longer times.
    const timer = ms < 2 ** 31 ? setTimeout(silent, ms) : undefined
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
    if (this.#bytes >= LIMIT) this.#source.pause()
    this.#wake()
  }

  #finish(end: { readonly error?: Error }): void {
    this.#end ??= end
    this.#wake()
  }
}
