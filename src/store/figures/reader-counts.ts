/** How many readers the downloads in flight have, over all processes: told within a second, and gone with their process. */

import type { Database } from '../index/database.js'
import type { Flusher } from '../index/flusher.js'
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
  readonly #flusher: Flusher
  readonly #owner: string
  #pending = new Map<KeyId, number>()
  readonly #written = new Set<KeyId>()

  constructor({ database, flusher, owner, engine }: ReaderCountsOptions) {
    this.#database = database
    this.#flusher = flusher
    this.#owner = `${engine} ${owner}`
    flusher.add(() => this.#write())
  }

  /** Readers of this download in this engine, from now on. */
  set(id: KeyId, n: number): void {
    if (n === 0 && !this.#written.has(id)) {
      this.#pending.delete(id)
      return
    }
    this.#pending.set(id, n)
    this.#flusher.arm()
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

  async #write(): Promise<void> {
    if (this.#pending.size === 0) return
    await this.#database.run(async ({ query }) => {
      const counts = this.#pending
      this.#pending = new Map()
      // Before it is written: who leaves meanwhile has something to take back.
      for (const [id, n] of counts) if (n > 0) this.#written.add(id)
      const json = JSON.stringify(Object.fromEntries(counts))
      try {
        await query(
          `INSERT INTO readers SELECT ?, key, value FROM json_each(?) WHERE true
           ON CONFLICT (owner, id) DO UPDATE SET n = excluded.n`,
          this.#owner,
          json,
        )
        await query('DELETE FROM readers WHERE owner = ? AND n = 0', this.#owner)
      } catch (error) {
        for (const [id, n] of counts) if (!this.#pending.has(id)) this.#pending.set(id, n)
        throw error
      }
      for (const [id, n] of counts) if (n === 0 && !this.#pending.has(id)) this.#written.delete(id)
    })
  }
}

/** What cannot be read was written by another version, which may live. */
async function isLive(owner: string): Promise<boolean> {
  const identity = parseOrUndefined(owner.slice(owner.indexOf(' ') + 1)) as ProcessIdentity | undefined
  return identity === undefined || (await livenessOf(identity)) !== 'dead'
}
