/** The space of one body: reserved in one piece if the length is known, and granted a step ahead of the bytes. */

import type { Space } from '../store/types.js'

/** Bytes granted ahead of what has arrived (rule 7 of the cache). */
const STEP = 16 * 1024 * 1024
/** The share of the quota that one step may take. */
const SHARE = 1 / 16
/** Milliseconds after which a reservation is renewed before its step is used up, so that it does not expire … */
const RENEWAL = 1_000
/** … if at least this many bytes arrived since: a slower origin does not hold space that other downloads need. */
const PROGRESS = 64 * 1024

export class BodySpace {
  #length: number | undefined
  #granted = 0
  /** The time and the size of the last renewal; monotonic milliseconds. */
  #renewed = { at: 0, size: 0 }

  constructor(
    private readonly space: Space,
    private readonly id: string,
  ) {}

  /** @param held bytes that are on disk already. Nothing is evicted before a byte arrives. @throws KissError `quota` or `disk` */
  async begin(length: number | undefined, held: number): Promise<void> {
    this.#length = length
    await this.#reserve(Math.max(held, this.#granted), held)
  }

  /** Called before the body grows to `size` bytes. */
  async grow(size: number): Promise<void> {
    const isDue = performance.now() - this.#renewed.at > RENEWAL && size - this.#renewed.size >= PROGRESS
    if (size <= this.#granted && !isDue) return
    const ahead = Math.min(size + (await this.#step()), Math.max(size, this.#length ?? Infinity))
    await this.#reserve(Math.max(ahead, this.#granted), this.#granted)
    this.#renewed = { at: performance.now(), size }
  }

  async #step(): Promise<number> {
    return Math.min(STEP, Math.ceil(((await this.space.quota()) ?? Infinity) * SHARE))
  }

  /** @param written bytes that need no more room on the disk */
  async #reserve(ahead: number, written: number): Promise<void> {
    await this.space.reserve(this.id, Math.max(ahead, this.#length ?? 0), { ahead, held: written })
    this.#granted = ahead
  }
}
