/** Sums by name that all processes on a cache directory add to. */

import type { Database } from '../index/database.js'
import { type Flusher, WriteBehind } from '../index/flusher.js'
import { type CounterName, type Counters, type Counts, counterNames } from '../types.js'

/** Tables with the columns `name` and `value`. */
export type SumTable = 'counters' | 'sums' | 'hosts'

export class SharedSums {
  readonly #database: Database
  readonly #table: SumTable
  readonly #additions: WriteBehind<string, number>

  constructor(database: Database, flusher: Flusher, table: SumTable) {
    this.#database = database
    this.#table = table
    this.#additions = new WriteBehind<string, number>({
      database,
      flusher,
      merge: (a, b) => a + b,
      write: ({ query }, additions) =>
        query(
          `INSERT INTO ${table} SELECT key, value FROM json_each(?) WHERE true
           ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`,
          JSON.stringify(Object.fromEntries(additions)),
        ),
    })
  }

  add(name: string, n: number): void {
    if (n !== 0) this.#additions.add(name, n)
  }

  /** Includes additions of this process that are not written yet. */
  async read(): Promise<ReadonlyMap<string, number>> {
    return this.#database.run(async ({ query }) => {
      const rows = await query<{ name: string; value: number }>(`SELECT name, value FROM ${this.#table}`)
      const sums = new Map(rows.map((row) => [row.name, row.value]))
      for (const [name, n] of this.#additions.pending) sums.set(name, (sums.get(name) ?? 0) + n)
      return sums
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
