/**
 * Takes a body in as it arrives. A stream that breaks throws away what it has buffered; here every byte that came is read
 * first, and the error where the bytes end: a cut costs no byte that the origin has sent.
 */
import type { Readable } from 'node:stream'
import { errors } from 'undici'

/** Bytes that may wait for their reader before the network has to. */
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

  /** Resolves at the next chunk or at the end, which an origin that is silent for `ms` brings about. */
  async #more(ms: number): Promise<void> {
    const silent = () => this.#source.destroy(new errors.BodyTimeoutError(`no byte for ${ms / 1000} s`))
    // setTimeout takes no longer times.
    const timer = ms < 2 ** 31 ? setTimeout(silent, ms) : undefined
    await new Promise<void>((resolve) => (this.#wake = resolve))
    clearTimeout(timer)
  }

  /** Reads no further: lets at most `bytes` more pass within `ms`, for the sake of the connection, then gives it up. */
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
