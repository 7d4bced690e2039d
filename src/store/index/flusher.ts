/** Writes values from memory to the index within a second, so that no answer waits for the write. */

import type { Connection } from './connection.js'
import type { Database } from './database.js'

/** Milliseconds; the most that a SIGKILL loses (counters, last uses). */
const FLUSH_DELAY = 1_000

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

  /** @param write keeps the values that it could not write, and throws */
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

  /** Reports the first failure in a row; the write is repeated every second. */
  #report(error: unknown): void {
    if (!this.#failing) this.#warn(`counters and last uses wait in memory: ${String(error)}`)
    this.#failing = true
    this.arm()
  }
}

export interface WriteBehindOptions<K, V> {
  readonly database: Database
  readonly flusher: Flusher
  /** One value for a key of which another one is not written yet. */
  readonly merge: (earlier: V, later: V) => V
  /** The most values that wait; the oldest ones above it are dropped. Default: any number. */
  readonly bound?: number
  /** One statement, or several that can be repeated: after an error all values are written again. */
  readonly write: (connection: Connection, values: ReadonlyMap<K, V>) => Promise<unknown>
  /** Called after `write` with the same values; they are not written again if it throws. */
  readonly written?: (values: ReadonlyMap<K, V>) => unknown
}

/** Values by key that wait for the next flush. */
export class WriteBehind<K, V> {
  readonly #options: WriteBehindOptions<K, V>
  #values = new Map<K, V>()

  constructor(options: WriteBehindOptions<K, V>) {
    this.#options = options
    options.flusher.add(() => this.#flush())
  }

  /** The values that are not written yet. */
  get pending(): ReadonlyMap<K, V> {
    return this.#values
  }

  add(key: K, value: V): void {
    this.#merge(key, value)
    this.#options.flusher.arm()
  }

  /** Drops the value of this key if it is not written yet. */
  forget(key: K): void {
    this.#values.delete(key)
  }

  async #flush(): Promise<void> {
    if (this.#values.size === 0) return
    const { database, write, written } = this.#options
    const values = await database.run(async (connection) => {
      // Taken within the operation: no read can come between and see them neither in memory nor in the index.
      const taken = this.#values
      this.#values = new Map()
      try {
        await write(connection, taken)
        return taken
      } catch (error) {
        const later = this.#values
        this.#values = taken
        for (const [key, value] of later) this.#merge(key, value)
        throw error
      }
    })
    await written?.(values)
  }

  #merge(key: K, value: V): void {
    const earlier = this.#values.get(key)
    this.#values.set(key, earlier === undefined ? value : this.#options.merge(earlier, value))
    const { bound = Infinity } = this.#options
    if (this.#values.size <= bound) return
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest)
      return
    }
  }
}
