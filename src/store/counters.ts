/** What all processes on a cache directory have counted: sums in the index, additions in memory for up to a second. */

import type { Database } from './database.js'
import type { Flusher } from './flusher.js'
import { type CounterName, type Counters, type Counts, counterNames } from './types.js'

const ADD = `
  INSERT INTO counters SELECT key, value FROM json_each(?) WHERE true
  ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`

export class SharedCounters implements Counters {
  readonly #database: Database
  readonly #flusher: Flusher
  #pending = new Map<CounterName, number>()

  constructor(database: Database, flusher: Flusher) {
    this.#database = database
    this.#flusher = flusher
    flusher.add(() => this.#write())
  }

  add(name: CounterName, n: number): void {
    if (n === 0) return
    this.#pending.set(name, (this.#pending.get(name) ?? 0) + n)
    this.#flusher.arm()
  }

  async read(): Promise<Counts> {
    return this.#database.run(async (connection) => {
      const rows = await connection.query<{ name: string; value: number }>('SELECT name, value FROM counters')
      const stored = new Map(rows.map((row) => [row.name, row.value]))
      const sums = counterNames.map((name) => [name, (stored.get(name) ?? 0) + (this.#pending.get(name) ?? 0)])
      return Object.fromEntries(sums) as Record<CounterName, number>
    })
  }

  async #write(): Promise<void> {
    if (this.#pending.size === 0) return
    await this.#database.run(async (connection) => {
      // Taken within the operation: no read can come between and see them neither here nor in the index.
      const additions = this.#pending
      this.#pending = new Map()
      try {
        await connection.query(ADD, JSON.stringify(Object.fromEntries(additions)))
      } catch (error) {
        for (const [name, n] of additions) this.#pending.set(name, (this.#pending.get(name) ?? 0) + n)
        throw error
      }
    })
  }
}
