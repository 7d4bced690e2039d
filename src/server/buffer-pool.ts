/** The buffers of bodies: reused, and bounded in number for any number of clients. */

/** Large enough to make the cost of system calls small, small enough for two per reader. */
export const bufferSize = 256 * 1024

/** The size of a buffer when the pool is empty: while slow readers hold the large buffers, other readers use these. */
export const spareSize = 16 * 1024

export interface BufferPoolOptions {
  /** Large buffers in use at most; 256 of them are 64 MiB. */
  readonly limit?: number
  /** Unused buffers that are kept for the next reader. */
  readonly keep?: number
  /**
   * Large buffers in use above which readers do not read ahead: the reads and writes of so many readers overlap already. 64
   * readers took 64 buffers instead of 115 to 128, and no more CPU time.
   */
  readonly crowd?: number
}

export class BufferPool {
  readonly #free: Buffer[] = []
  readonly #limit: number
  readonly #keep: number
  readonly #crowd: number
  #made = 0

  constructor({ limit = 256, keep = 32, crowd = 64 }: BufferPoolOptions = {}) {
    this.#limit = limit
    this.#keep = keep
    this.#crowd = crowd
  }

  /** A buffer of unknown content; the caller gives it back or forgets it. */
  take(): Buffer {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#made >= this.#limit) return Buffer.allocUnsafeSlow(spareSize)
    this.#made++
    return Buffer.allocUnsafeSlow(bufferSize)
  }

  /** A second buffer to read ahead into; undefined while there are many readers. */
  takeAhead(): Buffer | undefined {
    return this.#made - this.#free.length < this.#crowd ? this.take() : undefined
  }

  /** Takes back a buffer that no read or write uses any more. */
  give(buffer: Buffer): void {
    if (buffer.length !== bufferSize) return
    if (this.#free.length < this.#keep) this.#free.push(buffer)
    else this.#made--
  }

  /** Takes back a buffer that a cancelled read or write may still touch: it is not reused. */
  forget(buffer: Buffer): void {
    if (buffer.length === bufferSize) this.#made--
  }

  /** Large buffers that exist. */
  get made(): number {
    return this.#made
  }
}
