/** Figures for dashboard and metrics that all processes share, beside the counters. Serving needs none of them. */

import type { Database } from '../index/database.js'
import type { Flusher } from '../index/flusher.js'
import { History } from './history.js'
import type { Interval, SpanName } from './intervals.js'
import { Presence, type ProcessFigures } from './presence.js'
import { SharedSums } from './sums.js'
import type { CounterName, Counters } from '../types.js'

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
