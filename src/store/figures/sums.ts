/** Sums by name that all processes on a cache directory add to: kept in a table, additions in memory for up to a second. */

import type { Database } from '../index/database.js'
import type { Flusher } from '../index/flusher.js'
import { type CounterName, type Counters, type Counts, counterNames } from '../types.js'

/** Tables with the columns `name` and `value`. */
export type SumTable = 'counters' | 'sums' | 'hosts'

export class SharedSums {
  readonly #database: Database
  readonly #flusher: Flusher
  readonly #table: SumTable
  #pending = new Map<string, number>()

  constructor(database: Database, flusher: Flusher, table: SumTable) {
    this.#database = database
    this.#flusher = flusher
    this.#table = table
    flusher.add(() => this.#write())
  }

  add(name: string, n: number): void {
    if (n === 0) return
    this.#pending.set(name, (this.#pending.get(name) ?? 0) + n)
    this.#flusher.arm()
  }

  /** Own additions that are still to be written included. */
  async read(): Promise<ReadonlyMap<string, number>> {
    return this.#database.run(async (connection) => {
      const rows = await connection.query<{ name: string; value: number }>(`SELECT name, value FROM ${this.#table}`)
      const sums = new Map(rows.map((row) => [row.name, row.value]))
      for (const [name, n] of this.#pending) sums.set(name, (sums.get(name) ?? 0) + n)
      return sums
    })
  }

  async #write(): Promise<void> {
    if (this.#pending.size === 0) return
    await this.#database.run(async (connection) => {
      // Taken within the operation: no read can come between and see them neither here nor in the index.
      const additions = this.#pending
      this.#pending = new Map()
      try {
        await connection.query(
          `INSERT INTO ${this.#table} SELECT key, value FROM json_each(?) WHERE true
           ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`,
          JSON.stringify(Object.fromEntries(additions)),
        )
      } catch (error) {
        for (const [name, n] of additions) this.#pending.set(name, (this.#pending.get(name) ?? 0) + n)
        throw error
      }
    })
  }
}

/** The sums whose names types.ts lists. */
export class SharedCounters implements Counters {
  readonly #sums: SharedSums

  constructor(database: Database, flusher: Flusher) {
    this.#sums = new SharedSums(database, flusher, 'counters')
  }

  add(name: CounterName, n: number): void {
    this.#sums.add(name, n)
  }

  async read(): Promise<Counts> {
    const sums = await this.#sums.read()
    return Object.fromEntries(counterNames.map((name) => [name, sums.get(name) ?? 0])) as Record<CounterName, number>
  }
}
