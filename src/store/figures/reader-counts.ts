/** The number of readers of each download in flight, over all processes. The rows of a dead process do not count. */

import type { Query } from '../index/connection.js'
import type { Database } from '../index/database.js'
import { type Flusher, WriteBehind } from '../index/flusher.js'
import { parseOrUndefined } from '../files.js'
import { livenessOf, type ProcessIdentity } from '../process.js'
import type { KeyId } from '../types.js'

export interface ReaderCountsOptions {
  readonly database: Database
  readonly flusher: Flusher
  /** Names this process, as in its reservations of space. */
  readonly owner: string
  /** Tells the engines of one process apart; without blanks. */
  readonly engine: string
}

interface Row {
  readonly owner: string
  readonly id: KeyId
  readonly n: number
}

export class ReaderCounts {
  readonly #database: Database
  readonly #owner: string
  readonly #counts: WriteBehind<KeyId, number>
  /** Downloads with a row of this engine. */
  readonly #written = new Set<KeyId>()

  constructor({ database, flusher, owner, engine }: ReaderCountsOptions) {
    this.#database = database
    this.#owner = `${engine} ${owner}`
    this.#counts = new WriteBehind<KeyId, number>({
      database,
      flusher,
      merge: (_, later) => later,
      write: ({ query }, counts) => this.#write(query, counts),
      written: (counts) => {
        for (const [id, n] of counts) if (n === 0 && !this.#counts.pending.has(id)) this.#written.delete(id)
      },
    })
  }

  /** Readers of this download in this engine, from now on. */
  set(id: KeyId, n: number): void {
    if (n === 0 && !this.#written.has(id)) this.#counts.forget(id)
    else this.#counts.add(id, n)
  }

  /** Readers elsewhere, by download. */
  async elsewhere(): Promise<ReadonlyMap<KeyId, number>> {
    const rows = await this.#database.query<Row>('SELECT owner, id, n FROM readers WHERE owner <> ?', this.#owner)
    const counts = new Map<KeyId, number>()
    for (const { id, n } of await this.#ofTheLiving(rows)) counts.set(id, (counts.get(id) ?? 0) + n)
    return counts
  }

  async #ofTheLiving(rows: readonly Row[]): Promise<Row[]> {
    const living = new Set<string>()
    for (const owner of new Set(rows.map((row) => row.owner))) {
      if (await isLive(owner)) living.add(owner)
      else await this.#database.query('DELETE FROM readers WHERE owner = ?', owner)
    }
    return rows.filter((row) => living.has(row.owner))
  }

  async #write(query: Query, counts: ReadonlyMap<KeyId, number>): Promise<void> {
    // Noted before the rows exist: a reader that leaves meanwhile finds a row to take back.
    for (const [id, n] of counts) if (n > 0) this.#written.add(id)
    await query(
      `INSERT INTO readers SELECT ?, key, value FROM json_each(?) WHERE true
       ON CONFLICT (owner, id) DO UPDATE SET n = excluded.n`,
      this.#owner,
      JSON.stringify(Object.fromEntries(counts)),
    )
    await query('DELETE FROM readers WHERE owner = ? AND n = 0', this.#owner)
  }
}

/** An owner that cannot be read was written by another version of kiss, and may be alive. */
async function isLive(owner: string): Promise<boolean> {
  const identity = parseOrUndefined(owner.slice(owner.indexOf(' ') + 1)) as ProcessIdentity | undefined
  return identity === undefined || (await livenessOf(identity)) !== 'dead'
}
