/** What all processes on a cache directory have counted: the sums whose names types.ts lists. */

import type { Database } from '../index/database.js'
import type { Flusher } from '../index/flusher.js'
import { SharedSums } from './sums.js'
import { type CounterName, type Counters, type Counts, counterNames } from '../types.js'

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
