/** Values of one kind that wait for their turn at the index, and go into one operation. */

import type { Connection } from './connection.js'
import type { Database } from './database.js'

/** Resolves with the results by key; a key without one resolves with undefined. Can be repeated: see Database.run. */
export type Operation<V, R> = (
  connection: Connection,
  values: ReadonlyMap<string, V>,
) => Promise<ReadonlyMap<string, R>>

interface Waiting<V, R> {
  readonly values: Map<string, V>
  readonly results: Promise<ReadonlyMap<string, R>>
}

/**
 * An operation takes a turn of the event loop at least, because its end is seen in the next one. With 100 downloads at once, a
 * turn takes 10 ms, and the last of them waited 3 s for its four operations before the first byte.
 */
export class Batch<V, R> {
  readonly #database: Database
  readonly #operation: Operation<V, R>
  #waiting: Waiting<V, R> | undefined

  constructor(database: Database, operation: Operation<V, R>) {
    this.#database = database
    this.#operation = operation
  }

  /** An equal value under an equal key is added once. A different one waits for the next operation. */
  async add(key: string, value: V): Promise<R | undefined> {
    while (this.#waiting?.values.has(key) && this.#waiting.values.get(key) !== value)
      await this.#waiting.results.catch(() => undefined)
    const waiting = (this.#waiting ??= this.#begin())
    waiting.values.set(key, value)
    return (await waiting.results).get(key)
  }

  #begin(): Waiting<V, R> {
    const values = new Map<string, V>()
    const results = this.#database.run((connection) => {
      if (this.#waiting === waiting) this.#waiting = undefined
      return this.#operation(connection, values)
    })
    const waiting = { values, results }
    // A closed index rejects before the operation begins.
    results.catch(() => {
      if (this.#waiting === waiting) this.#waiting = undefined
    })
    return waiting
  }
}
