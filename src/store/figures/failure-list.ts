/** The latest failures on this cache directory, for operators: one bounded list for all its processes. */

import type { Database } from '../index/database.js'
import { type Flusher, WriteBehind } from '../index/flusher.js'

/** One final failure. */
export interface FailureRecord {
  /** Displayable. */
  readonly url: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly code: string
  readonly message: string
  /** The status of the origin's answer, if there was one. */
  readonly status?: number | undefined
  /** Address of the client whose request began the download. */
  readonly client?: string | undefined
  /** Milliseconds since the epoch: requests before it get this failure again, and the first after it tries anew. */
  readonly retryAt?: number | undefined
  /** Its request came with a credential: the URL is for the admin alone. */
  readonly private: boolean
}

/** Records that are kept. */
const KEPT = 500

export class FailureList {
  readonly #database: Database
  /** By a number that grows. */
  readonly #records: WriteBehind<number, FailureRecord>
  #last = 0

  constructor(database: Database, flusher: Flusher) {
    this.#database = database
    this.#records = new WriteBehind<number, FailureRecord>({
      database,
      flusher,
      merge: (_, later) => later,
      bound: KEPT,
      write: ({ query }, records) =>
        query('INSERT INTO failures (record) SELECT value FROM json_each(?)', JSON.stringify([...records.values()])),
      written: () => database.query(`DELETE FROM failures WHERE n <= (SELECT max(n) FROM failures) - ${KEPT}`),
    })
  }

  /** At once in memory, within a second in the index. */
  add(record: FailureRecord): void {
    this.#records.add(++this.#last, record)
  }

  /** Newest first. */
  async read(): Promise<FailureRecord[]> {
    return this.#database.run(async ({ query }) => {
      const rows = await query<{ record: string }>(`SELECT record FROM failures ORDER BY n DESC LIMIT ${KEPT}`)
      const stored = rows.map(({ record }) => JSON.parse(record) as FailureRecord)
      return [...this.#records.pending.values(), ...stored.reverse()].sort((a, b) => b.at - a.at).slice(0, KEPT)
    })
  }
}
