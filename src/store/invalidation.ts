/** Tells every process on a cache directory that entries were removed or replaced. */

import * as fs from 'node:fs'
import { utimes, writeFile } from 'node:fs/promises'
import { asKissError, systemCode } from '../errors.js'
import type { Database } from './index/database.js'
import type { Layout } from './layout.js'
import { thisTurn } from './turn.js'

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
  /** The time of the bell when it was last looked at; milliseconds since the epoch, 0 where it is gone. */
  #rungAt = 0
  /** The turn of the event loop in which the bell was looked at. */
  #heardIn = -1

  constructor(layout: Layout, database: Database) {
    this.#layout = layout
    this.#database = database
  }

  /** Throws KissError `disk`. */
  async start(): Promise<void> {
    try {
      await ring(this.#layout, false)
    } catch (error) {
      throw asKissError(error, 'disk', `cannot use the cache directory ${this.#layout.root}`)
    }
    this.#rungAt = this.#readBell()
    this.#watch()
    this.#poll()
  }

  /** The listener is called on every change, own ones included, soon after. Returns what takes it off. */
  onInvalidate(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Something was removed or replaced. Never fails: who does not hear it looks within POLL. */
  async announce(): Promise<void> {
    try {
      await ring(this.#layout, true)
    } catch {
      // The disk is full or the directory gone. The row in the index has changed, and will be seen.
    }
  }

  /**
   * Tells the listeners at once what another process has announced: the watch may take its time, and a client that was told
   * of a purge may ask any process next. One look serves a turn of the event loop, since its requests had all arrived
   * before. It costs 5 µs, a tenth of a small hit.
   */
  hear(): void {
    const turn = thisTurn()
    if (this.#heardIn === turn) return
    this.#heardIn = turn
    const rungAt = this.#readBell()
    if (rungAt === this.#rungAt) return
    this.#rungAt = rungAt
    this.#tell()
  }

  #readBell(): number {
    try {
      return fs.statSync(this.#layout.generation, { throwIfNoEntry: false })?.mtimeMs ?? 0
    } catch {
      // Memory is dropped once, and the index asked instead, which says what is wrong with the directory.
      return 0
    }
  }

  /** Looks at the index now, as the poll does. */
  async look(): Promise<void> {
    if (this.#watcher === undefined && !this.#closed) this.#watch()
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
      })
      this.#watcher.on('error', () => {
        this.#watcher?.close()
        this.#watcher = undefined
      })
    } catch {
      // No watch to be had (the file has gone, or the system's limit is reached): the poll does it.
    }
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
async function ring({ generation: file, modes }: Layout, loud: boolean): Promise<void> {
  // Two rings of one millisecond have different times all the same.
  const now = (Date.now() + Math.random()) / 1_000
  try {
    if (loud) return await utimes(file, now, now)
    await writeFile(file, '', { flag: 'a', mode: modes.file })
  } catch (error) {
    // EPERM: only the owner may choose the times, and every member of its group may write.
    if (!['ENOENT', 'EPERM'].includes(systemCode(error) ?? '')) throw error
    await writeFile(file, '', { mode: modes.file })
  }
}
