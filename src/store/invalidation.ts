/** Tells every process on a cache directory that entries were removed or replaced. */

import * as fs from 'node:fs'
import { utimes, writeFile } from 'node:fs/promises'
import { asKissError, systemCode } from '../errors.js'
import type { Database } from './index/database.js'
import type { Layout } from './layout.js'

/** Milliseconds between looks at the index, for what the watch did not tell. */
const POLL = 5_000

/**
 * The file `generation` is the bell: it is touched, and a watch in every process hears it. The row `generation` of the
 * index is the truth: triggers change it in the same statement as the entry, so that a process killed before it rang, or a
 * watch that the system refused, costs POLL and nothing else.
 */
export class Invalidation {
  readonly #layout: Layout
  readonly #database: Database
  readonly #listeners = new Set<() => void>()
  #watcher: fs.FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined
  #seen: number | undefined
  #closed = false
  /** The time of the file when hasRung was asked last, milliseconds since the epoch. */
  #rung = 0
  /** A look is waiting for its turn. */
  #looks = false

  constructor(layout: Layout, database: Database) {
    this.#layout = layout
    this.#database = database
    database.onReplaced(async () => {
      this.#tell()
      if (database.hasSetAside) await this.announce()
    })
  }

  /** Throws KissError `disk`. */
  async start(): Promise<void> {
    try {
      await ring(this.#layout.generation, this.#database.hasSetAside)
    } catch (error) {
      throw asKissError(error, 'disk', `cannot use the cache directory ${this.#layout.root}`)
    }
    this.hasRung()
    this.#watch()
    this.#poll()
  }

  /** The listener is called on every change, own ones included, soon after. Returns what takes it off. */
  onInvalidate(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * True where any process has announced something since this was asked last. One system call of 2 µs, at every hit: the
   * watch may be some milliseconds late, and whoever was told of a purge finds nothing in the next request.
   */
  hasRung(): boolean {
    const stats = fs.statSync(this.#layout.generation, { throwIfNoEntry: false })
    const now = stats === undefined ? 0 : stats.mtimeMs
    if (now === this.#rung) return false
    this.#rung = now
    return true
  }

  /** Something was removed or replaced. Never fails: who does not hear it looks within POLL. */
  async announce(): Promise<void> {
    try {
      await ring(this.#layout.generation, true)
    } catch {
      // The disk is full or the directory gone. The row in the index has changed, and will be seen.
    }
  }

  /** Looks at the index now, as the poll does. */
  async look(): Promise<void> {
    if (this.#watcher === undefined && !this.#closed) this.#watch()
    await this.#database.checkReplaced()
    const [row] = await this.#database.query<{ value: number }>(`SELECT value FROM settings WHERE name = 'generation'`)
    if (this.#seen !== undefined && this.#seen !== row?.value) this.#tell()
    this.#seen = row?.value
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#watcher?.close()
    this.#listeners.clear()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }

  #watch(): void {
    this.#watcher?.close()
    this.#watcher = undefined
    try {
      this.#watcher = fs.watch(this.#layout.generation, { persistent: false }, (event) => {
        this.#tell()
        if (event === 'rename') this.#watch()
        this.#lookSoon()
      })
      this.#watcher.on('error', () => {
        this.#watcher?.close()
        this.#watcher = undefined
      })
    } catch {
      // No watch to be had (the file has gone, or the system's limit is reached): the poll does it.
    }
  }

  /** The index may be another file. However often the bell rings, one look is waiting at most. */
  #lookSoon(): void {
    if (this.#looks) return
    this.#looks = true
    this.#database
      .run(async () => {
        this.#looks = false
      })
      .then(() => this.look())
      // An index that fails says so to whoever needs it; here there is nobody to tell.
      .catch(() => {
        this.#looks = false
      })
  }

  #poll(): void {
    this.#timer = setTimeout(() => {
      this.look()
        // An index that fails says so to whoever needs it; here there is nobody to tell.
        .catch(() => undefined)
        .finally(() => {
          if (!this.#closed) this.#poll()
        })
    }, POLL).unref()
  }
}

/** Changes the file's times, which needs no room on the disk. */
async function ring(file: string, loud: boolean): Promise<void> {
  // Two rings of one millisecond have different times all the same.
  const now = (Date.now() + Math.random()) / 1_000
  try {
    if (loud) return await utimes(file, now, now)
    await writeFile(file, '', { flag: 'a' })
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    await writeFile(file, '')
  }
}
