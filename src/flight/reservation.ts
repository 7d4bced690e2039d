/** The space of one body: reserved before bytes are written, in one piece where the length is known. */

import type { Space } from '../store/types.js'

/** Bytes reserved at a time for a body of unknown length (rule 7 of the cache). */
const STEP = 64 * 1024 * 1024
/** Part of the quota that one step may take: a cache smaller than a step takes such bodies, too. */
const SHARE = 1 / 16

export class Reservation {
  #reserved = 0

  constructor(
    private readonly space: Space,
    private readonly id: string,
  ) {}

  /** `held`: bytes that are on disk already. Throws KissError `quota`. */
  async begin(length: number | undefined, held: number): Promise<void> {
    await this.#ensure(length ?? held + (await this.#step()))
  }

  /** Before the body grows to `size` bytes. */
  async grow(size: number): Promise<void> {
    if (size > this.#reserved) await this.#ensure(size + (await this.#step()))
  }

  async #step(): Promise<number> {
    return Math.min(STEP, Math.ceil(((await this.space.quota()) ?? Infinity) * SHARE))
  }

  async #ensure(bytes: number): Promise<void> {
    if (bytes <= this.#reserved) return
    await this.space.reserve(this.id, bytes)
    this.#reserved = bytes
  }
}
