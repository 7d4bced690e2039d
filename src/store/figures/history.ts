/** Past values of the counters, at falling resolution: the first process to write an interval makes its row. */

import type { Database } from '../index/database.js'
import {
  type FigureName,
  figureNames,
  type Interval,
  intervalsOf,
  type Sample,
  type SpanName,
  spans,
} from './intervals.js'
import { type CounterName, servedKinds } from '../types.js'

/** The counters of each figure. A hit here is every answer that needed no download of its own. */
const counters: Readonly<Record<FigureName, readonly CounterName[]>> = {
  downloaded: ['downloaded'],
  served: servedKinds.map((as) => `served_${as}` as const),
  served_hit: ['served_hit'],
  served_collapsed: ['served_collapsed'],
  served_miss: ['served_miss'],
  served_revalidated: ['served_revalidated'],
  served_stale: ['served_stale'],
  answered: servedKinds.map((as) => `requests_${as}` as const),
  hits: servedKinds.filter((as) => as !== 'miss').map((as) => `requests_${as}` as const),
}

const NOTE = `INSERT OR IGNORE INTO past (step, at, counts)
  SELECT ?, ?, (SELECT json_group_object(name, value) FROM counters) RETURNING at`

/** Days that the hits of an entry are kept. */
const HIT_DAYS = 30
const DAY = 86_400_000

export class History {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Samples the counters for every span whose interval has no sample yet, and removes old samples. */
  async note(now: number): Promise<void> {
    await this.#database.run(async ({ query }) => {
      for (const [name, { step, length }] of Object.entries(spans)) {
        const at = Math.floor(now / step) * step
        const noted = await query(NOTE, step, at)
        // One sample more than intervals, because an interval has two ends.
        await query('DELETE FROM past WHERE step = ? AND (at < ? OR at > ?)', step, at - length, at)
        // Looks at every row: the coarsest step is often enough.
        if (name === 'month' && noted.length > 0) {
          await query('DELETE FROM hits WHERE day <= ?', Math.floor(now / DAY) - HIT_DAYS)
        }
      }
    })
  }

  async intervals(name: SpanName, now: number): Promise<Interval[]> {
    const span = spans[name]
    const rows = await this.#database.query<{ at: number; counts: string }>(
      'SELECT at, counts FROM past WHERE step = ? AND at <= ? ORDER BY at',
      span.step,
      now,
    )
    return intervalsOf(rows.map(sampleOf), span, now)
  }
}

function sampleOf({ at, counts }: { readonly at: number; readonly counts: string }): Sample {
  const values = JSON.parse(counts) as Partial<Record<CounterName, number>>
  const figure = (name: FigureName): number => counters[name].reduce((sum, counter) => sum + (values[counter] ?? 0), 0)
  return { at, ...(Object.fromEntries(figureNames.map((name) => [name, figure(name)])) as Record<FigureName, number>) }
}
