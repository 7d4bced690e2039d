/** The processes on a cache directory that are alive, and the figures that each of them writes at times. */

import type { Database } from '../index/database.js'

/** Milliseconds after which a process that writes nothing counts as gone. */
export const SILENT = 30_000

/** JSON; its writers and readers define the content. */
export type ProcessFigures = object

export class Presence {
  readonly #database: Database
  readonly #owner: string

  constructor(database: Database, owner: string) {
    this.#database = database
    this.#owner = owner
  }

  /** Replaces the figures of this process. */
  async tell(figures: ProcessFigures, now: number): Promise<void> {
    await this.#database.run(async ({ query }) => {
      await query('DELETE FROM presence WHERE at <= ? OR at > ?', now - SILENT, now)
      await query(
        `INSERT INTO presence VALUES (?, ?, ?) ON CONFLICT (owner) DO UPDATE SET at = excluded.at, figures = excluded.figures`,
        this.#owner,
        now,
        JSON.stringify(figures),
      )
    })
  }

  async leave(): Promise<void> {
    await this.#database.query('DELETE FROM presence WHERE owner = ?', this.#owner)
  }

  async all(now: number): Promise<ProcessFigures[]> {
    const rows = await this.#database.query<{ figures: string }>(
      // A time in the future was written before the clock was set back; its process says something newer in a moment.
      'SELECT figures FROM presence WHERE at > ? AND at <= ?',
      now - SILENT,
      now,
    )
    return rows.map(({ figures }) => JSON.parse(figures) as ProcessFigures)
  }
}
