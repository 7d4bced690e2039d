/** Tells every process on a cache directory that entries were removed or replaced. */

import * as fs from 'node:fs'
import { utimes, writeFile } from 'node:fs/promises'
import { asKissError, systemCode } from '../errors.js'
import type { Database } from './index/database.js'
import type { Layout } from './layout.js'

/** Milliseconds between reads of the index, for changes that the watch did not report. */
const POLL = 5_000

/**
 * A process that removes or replaces an entry touches the file `changes`, which every process watches. Triggers count the
 * change in the row `changes` of the index, in the statement that changes the entry. A process that is killed before it
 * touches the file, or a watch that the system refuses, delays the news by POLL.
 */
export class Invalidation {
  readonly #layout: Layout
  readonly #database: Database
  readonly #listeners = new Set<() => void>()
  #watcher: fs.FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined
  #seen: number | undefined
  #closed = false
  /** The time of the file `changes` at the last look; milliseconds since the epoch, 0 where it is gone. */
  #touchedAt = 0
  /** The turn of the event loop of the last look. */
  #lookedIn = -1

  constructor(layout: Layout, database: Database) {
    this.#layout = layout
    this.#database = database
  }

  /** Throws KissError `disk`. */
  async start(): Promise<void> {
    try {
      await touch(this.#layout, false)
    } catch (error) {
      throw asKissError(error, 'disk', `cannot use the cache directory ${this.#layout.root}`)
    }
    this.#touchedAt = this.#readTime()
    this.#watch()
    this.#poll()
  }

  /** Calls the listener soon after every change, changes of this process included. Returns a function that removes it. */
  onInvalidate(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** An entry was removed or replaced. Never fails: a process that misses it looks within POLL. */
  async announce(): Promise<void> {
    try {
      await touch(this.#layout, true)
    } catch {
      // The disk is full, or the directory was removed. The row in the index has changed.
    }
  }

  /**
   * Tells the listeners at once that another process announced a change: the watch may be late, and a client that got the
   * answer to a purge may send its next request to any process. One look serves a turn of the event loop, since its requests
   * had all arrived before. A look costs 5 µs, a tenth of a small hit.
   */
  hear(): void {
    const turn = thisTurn()
    if (this.#lookedIn === turn) return
    this.#lookedIn = turn
    const touchedAt = this.#readTime()
    if (touchedAt === this.#touchedAt) return
    this.#touchedAt = touchedAt
    this.#tell()
  }

  #readTime(): number {
    try {
      return fs.statSync(this.#layout.changes, { throwIfNoEntry: false })?.mtimeMs ?? 0
    } catch {
      // Memory is dropped once. The next statement of the index reports the fault of the directory.
      return 0
    }
  }

  /** Looks at the index now, as the poll does. */
  async look(): Promise<void> {
    if (this.#watcher === undefined && !this.#closed) this.#watch()
    const [row] = await this.#database.query<{ value: number }>(`SELECT value FROM settings WHERE name = 'changes'`)
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
      this.#watcher = fs.watch(this.#layout.changes, { persistent: false }, (event) => {
        this.#tell()
        if (event === 'rename') this.#watch()
      })
      this.#watcher.on('error', () => {
        this.#watcher?.close()
        this.#watcher = undefined
      })
    } catch {
      // The file is gone, or the system's limit of watches is reached: the poll serves instead.
    }
  }

  #poll(): void {
    this.#timer = setTimeout(() => {
      this.look()
        // An operation that needs the index gets the error.
        .catch(() => undefined)
        .finally(() => {
          if (!this.#closed) this.#poll()
        })
    }, POLL).unref()
  }
}

/** Changes the time of the file, which needs no room on the disk. `loud`: also of a file that is there already. */
async function touch({ changes: file, modes }: Layout, loud: boolean): Promise<void> {
  // Two changes within a millisecond have different times.
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

let turn = 0
let counting = false

/** The number of the running turn of the event loop. One check serves all requests of a turn: they had arrived before it. */
export function thisTurn(): number {
  if (!counting) {
    counting = true
    setImmediate(next)
  }
  return turn
}

function next(): void {
  counting = false
  turn++
}
