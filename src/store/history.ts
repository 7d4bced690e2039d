/** What the counters said in the past, at falling resolution: one row for each interval, whoever writes it first. */

import type { Database } from './database.js'
import {
  type FigureName,
  figureNames,
  type Interval,
  intervalsOf,
  type Sample,
  type SpanName,
  spans,
} from './intervals.js'

const answered = ['hit', 'collapsed', 'miss', 'revalidated', 'stale']

/** Which counters make a figure. A hit here is every answer that needed no download of its own. */
const counters: Readonly<Record<FigureName, readonly string[]>> = {
  downloaded: ['downloaded'],
  served: answered.map((as) => `served_${as}`),
  answered: answered.map((as) => `requests_${as}`),
  hits: answered.filter((as) => as !== 'miss').map((as) => `requests_${as}`),
}

const sumOf = (names: readonly string[]): string =>
  `(SELECT coalesce(sum(value), 0) FROM counters WHERE name IN (${names.map((name) => `'${name}'`).join(', ')}))`

const NOTE = `INSERT OR IGNORE INTO history (step, at, ${figureNames.join(', ')})
  SELECT ?, ?, ${figureNames.map((name) => sumOf(counters[name])).join(', ')}`

export class History {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Notes the counters for every span whose interval has no sample yet, and forgets what is too old. */
  async note(now: number): Promise<void> {
    await this.#database.run(async ({ query }) => {
      for (const { step, length } of Object.values(spans)) {
        const at = Math.floor(now / step) * step
        await query(NOTE, step, at)
        // One more than is shown: an interval has two ends.
        await query('DELETE FROM history WHERE step = ? AND (at < ? OR at > ?)', step, at - length, at)
      }
    })
  }

  async intervals(name: SpanName, now: number): Promise<Interval[]> {
    const span = spans[name]
    const samples = await this.#database.query<Sample>(
      `SELECT at, ${figureNames.join(', ')} FROM history WHERE step = ? AND at <= ? ORDER BY at`,
      span.step,
      now,
    )
    return intervalsOf(samples, span, now)
  }
}
