/** Writes counts and uses from memory to the index, behind the answers: within a second, and at the end. */

/** Milliseconds; the most that a SIGKILL loses (counters, last uses). */
export const FLUSH_DELAY = 1_000

export class Flusher {
  readonly #sources: (() => Promise<void>)[] = []
  readonly #warn: (message: string) => void
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #failing = false
  #closed = false

  constructor(warn: (message: string) => void) {
    this.#warn = warn
  }

  /** `write` keeps the values that it could not write, and throws. */
  add(write: () => Promise<void>): void {
    this.#sources.push(write)
  }

  /** There is something to write. Does not keep the process alive. */
  arm(): void {
    if (this.#closed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.flush().then(
        () => (this.#failing = false),
        (error: unknown) => this.#report(error),
      )
    }, FLUSH_DELAY).unref()
  }

  /** Throws the first error of a source, after all sources have been called. */
  async flush(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    this.#running = this.#writeAll()
    try {
      await this.#running
    } finally {
      this.#running = undefined
    }
  }

  /** Writes for the last time. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.flush()
  }

  async #writeAll(): Promise<void> {
    const results = await Promise.allSettled(this.#sources.map((write) => write()))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** Once, until it works again: it is tried every second. */
  #report(error: unknown): void {
    if (!this.#failing) this.#warn(`counters and last uses wait in memory: ${String(error)}`)
    this.#failing = true
    this.arm()
  }
}
