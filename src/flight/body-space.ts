/** The space of one body: promised in one piece where the length is known, and granted a step ahead of the bytes. */

import type { Space } from '../store/types.js'

/** Bytes granted ahead of what has arrived (rule 7 of the cache). */
const STEP = 16 * 1024 * 1024
/** Part of the quota that one step may take. */
const SHARE = 1 / 16
/** Milliseconds after which a reservation is renewed although its step is not used up, so that its promise does not lapse … */
const RENEWAL = 1_000
/** … where so many bytes have come since: an origin that sends less keeps nobody else from downloading. */
const PROGRESS = 64 * 1024

export class BodySpace {
  #length: number | undefined
  #granted = 0
  /** When and at which size it was renewed last; milliseconds, monotonic. */
  #renewed = { at: 0, size: 0 }

  constructor(
    private readonly space: Space,
    private readonly id: string,
  ) {}

  /** `held`: bytes that are on disk already. Nothing is evicted before a byte arrives. Throws KissError `quota` or `disk`. */
  async begin(length: number | undefined, held: number): Promise<void> {
    this.#length = length
    await this.#reserve(Math.max(held, this.#granted), held)
  }

  /** Before the body grows to `size` bytes. */
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

  /** `written`: bytes that need no more room on the disk. */
  async #reserve(ahead: number, written: number): Promise<void> {
    await this.space.reserve(this.id, Math.max(ahead, this.#length ?? 0), { ahead, held: written })
    this.#granted = ahead
  }
}
