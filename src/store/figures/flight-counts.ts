/** A number of each download in flight, over all processes. The rows of a dead process do not count. */

import type { Query } from '../index/connection.js'
import type { Database } from '../index/database.js'
import { type Flusher, WriteBehind } from '../index/flusher.js'
import { parseOrUndefined } from '../files.js'
import { livenessOf, type ProcessIdentity } from '../process.js'
import type { KeyId } from '../types.js'

export interface FlightCountsOptions {
  /** Both kinds of numbers share the table `readers`; the ids of one kind begin with this. */
  readonly prefix: '' | 'segments '
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

export class FlightCounts {
  readonly #prefix: string
  readonly #database: Database
  readonly #owner: string
  readonly #counts: WriteBehind<KeyId, number>
  /** Downloads with a row of this engine. */
  readonly #written = new Set<KeyId>()

  constructor({ prefix, database, flusher, owner, engine }: FlightCountsOptions) {
    this.#prefix = prefix
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

  /** The number of this download in this engine, from now on. */
  set(id: KeyId, n: number): void {
    if (n === 0 && !this.#written.has(id)) this.#counts.forget(id)
    else this.#counts.add(id, n)
  }

  /** The numbers of all other engines, by download. */
  async elsewhere(): Promise<ReadonlyMap<KeyId, number>> {
    const rows = await this.#database.query<Row>('SELECT owner, id, n FROM readers WHERE owner <> ?', this.#owner)
    const counts = new Map<KeyId, number>()
    for (const { id, n } of await this.#ofTheLiving(rows)) {
      // The id of a key has no blank.
      const isOurs = this.#prefix === '' ? !id.includes(' ') : id.startsWith(this.#prefix)
      const key = id.slice(this.#prefix.length)
      if (isOurs) counts.set(key, (counts.get(key) ?? 0) + n)
    }
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
    // Noted before the rows exist, so that a reader that leaves meanwhile removes its row.
    for (const [id, n] of counts) if (n > 0) this.#written.add(id)
    await query(
      `INSERT INTO readers SELECT ?, key, value FROM json_each(?) WHERE true
       ON CONFLICT (owner, id) DO UPDATE SET n = excluded.n`,
      this.#owner,
      JSON.stringify(Object.fromEntries([...counts].map(([id, n]) => [`${this.#prefix}${id}`, n]))),
    )
    await query('DELETE FROM readers WHERE owner = ? AND n = 0', this.#owner)
  }
}

/** An owner that cannot be read was written by another version of kiss, and may be alive. */
async function isLive(owner: string): Promise<boolean> {
  const identity = parseOrUndefined(owner.slice(owner.indexOf(' ') + 1)) as ProcessIdentity | undefined
  return identity === undefined || (await livenessOf(identity)) !== 'dead'
}
