/** Bodies that a test makes and lets grow. */

import { createHash } from 'node:crypto'
import { KissError } from '#kiss/errors.js'
import type { Content } from '#kiss/engine/types.js'
import type { Shared } from '#kiss/store/types.js'

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A body that grows when the test says so. */
export class GrowingBody implements Content {
  length: number | undefined
  complete = false
  sha256: string | undefined
  /** Reads that have been asked for, and the size of the largest buffer. */
  reads = 0
  largestRead = 0
  #bytes: Buffer = Buffer.alloc(0)
  #failure: KissError | undefined
  #wake: (() => void)[] = []
  closed = false

  constructor(length?: number) {
    this.length = length
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  push(bytes: Uint8Array | string): void {
    const added =
      typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#bytes = this.#bytes.length === 0 ? added : Buffer.concat([this.#bytes, added])
    this.#notify()
  }

  finish(): this {
    this.length = this.#bytes.length
    this.sha256 = sha256Of(this.#bytes)
    this.complete = true
    this.#notify()
    return this
  }

  fail(error: KissError): void {
    this.#failure = error
    this.#notify()
  }

  /** Resolves when anything has changed. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve))
  }

  async finished(): Promise<void> {
    while (!this.complete) {
      if (this.#failure !== undefined) throw this.#failure
      await this.changed()
    }
  }

  readonly shared: Shared = {
    source: this,
    arrived: (position) => this.#arrived(position),
    read: (buffer, position) => this.read(buffer, position),
  }

  async #arrived(position: number): Promise<number> {
    for (;;) {
      if (position < this.#bytes.length) return this.#bytes.length - position
      if (this.complete) return 0
      if (this.#failure !== undefined) throw this.#failure
      await this.changed()
    }
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    this.reads++
    this.largestRead = Math.max(this.largestRead, buffer.length)
    await this.#arrived(position)
    return this.#bytes.copy(buffer, 0, position)
  }

  async close(): Promise<void> {
    this.closed = true
  }

  #notify(): void {
    for (const resolve of this.#wake.splice(0)) resolve()
  }
}

/** A body that is there as a whole. */
export function finishedBody(bytes: Uint8Array | string): GrowingBody {
  const body = new GrowingBody()
  body.push(bytes)
  return body.finish()
}
