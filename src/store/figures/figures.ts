/** Sums that all processes on a cache directory add to: the counters, and the figures for dashboard and metrics. */

import type { Database } from '../index/database.js'
import { type Flusher, WriteBehind } from '../index/flusher.js'
import { type CounterName, type Counters, type Counts, counterNames } from '../types.js'
import { History } from './history.js'
import type { Interval, SpanName } from './intervals.js'

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

/** The figures beside the counters. Serving needs none of them. */
export interface Figures {
  /** Adds a whole number to a sum that all processes share: at once in memory, within a second on disk. */
  add(name: string, n: number): void
  /** Adds to one of the counters, also for requests that are refused before they reach the engine. */
  count(name: CounterName, n: number): void
  sums(): Promise<ReadonlyMap<string, number>>
  /** Counts body bytes served of a host. Beyond {@link HOSTS_KEPT} hosts, those with the fewest bytes are forgotten. */
  servedOf(host: string, bytes: number): void
  /** Body bytes served by host, the most first. */
  hosts(): Promise<readonly HostServed[]>
  /** Samples the counters for the history. Any number of processes call it every ten seconds. */
  note(): Promise<void>
  history(span: SpanName): Promise<readonly Interval[]>
  /** Writes the present figures of this process. */
  tell(figures: ProcessFigures): Promise<void>
  /** The latest figures of all living processes. */
  processes(): Promise<readonly ProcessFigures[]>
  /** Removes the figures of this process. */
  leave(): Promise<void>
}

export interface HostServed {
  readonly host: string
  /** Bytes. */
  readonly served: number
}

/** Clients choose the names of hosts, so the table is bounded. */
const HOSTS_KEPT = 1_000

const FORGET_HOSTS = `DELETE FROM hosts WHERE (SELECT count(*) FROM hosts) > ${HOSTS_KEPT}
  AND name NOT IN (SELECT name FROM hosts ORDER BY value DESC, name LIMIT ${HOSTS_KEPT})`

export interface FiguresOptions {
  readonly database: Database
  readonly flusher: Flusher
  readonly clock: { now(): number }
  readonly owner: string
  readonly counters: Counters
}

export function sharedFigures({ database, flusher, clock, owner, counters }: FiguresOptions): Figures {
  const sums = new SharedSums(database, flusher, 'sums')
  const hosts = new SharedSums(database, flusher, 'hosts')
  const history = new History(database)
  const presence = new Presence(database, owner)
  return {
    add: (name, n) => sums.add(name, n),
    count: (name, n) => counters.add(name, n),
    sums: () => sums.read(),
    servedOf: (host, bytes) => hosts.add(host, bytes),
    hosts: async () =>
      [...(await hosts.read())].map(([host, served]) => ({ host, served })).sort((a, b) => b.served - a.served),
    note: async () => {
      await history.note(clock.now())
      await database.query(FORGET_HOSTS)
    },
    history: (span) => history.intervals(span, clock.now()),
    tell: (figures) => presence.tell(figures, clock.now()),
    processes: () => presence.all(clock.now()),
    leave: () => presence.leave(),
  }
}

/** Milliseconds after which a process that writes nothing counts as gone. */
export const SILENT = 30_000

/** JSON; its writers and readers define the content. */
export type ProcessFigures = object

/** The living processes on a cache directory, and the figures that each of them writes at times. */
class Presence {
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
      // A time in the future was written before the clock was set back; its process will soon write again.
      'SELECT figures FROM presence WHERE at > ? AND at <= ?',
      now - SILENT,
      now,
    )
    return rows.map(({ figures }) => JSON.parse(figures) as ProcessFigures)
  }
}
