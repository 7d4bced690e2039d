/** `kiss list`: the order of the entries, and their table. Pure. */

import type { ListedEntry } from '../../server/entries.js'
import { formatRoughly, formatSize } from '../../units.js'
import { tableLines, type Column } from '../table.js'

/** An entry as far as it is shown; only the local cache says whether it is unverified. */
export type Showable = ListedEntry & { readonly unverified?: boolean }

type Order = (a: Showable, b: Showable) => number

const byUrl: Order = (a, b) => (a.url < b.url ? -1 : a.url > b.url ? 1 : 0)

/** The first order of each column: largest, youngest, last used, most used. */
const orders: Readonly<Record<string, Order>> = {
  url: byUrl,
  size: (a, b) => b.size - a.size,
  age: (a, b) => b.storedAt - a.storedAt,
  used: (a, b) => b.lastUsedAt - a.lastUsedAt,
  hits: (a, b) => b.hits - a.hits,
}

/** @param sort one of the options of the setting `sort` */
export function sorted<Row extends Showable>(entries: readonly Row[], sort: string, reverse: boolean): Row[] {
  const order = orders[sort] ?? byUrl
  const inOrder = [...entries].sort((a, b) => order(a, b) || byUrl(a, b))
  return reverse ? inOrder.reverse() : inOrder
}

/** @param now milliseconds since the epoch @param columns of the terminal, where there is one */
export function listLines(entries: readonly Showable[], now: number, columns: number | undefined): string[] {
  const layout: readonly Column<Showable>[] = [
    { title: 'SIZE', align: 'right', cell: ({ size }) => formatSize(size) },
    { title: 'AGE', align: 'right', cell: ({ storedAt }) => ago(now - storedAt) },
    {
      title: 'FRESH',
      align: 'right',
      cell: ({ staleAt, storedAt }) => (storedAt <= now && staleAt > now ? ago(staleAt - now) : 'stale'),
    },
    { title: 'USED', align: 'right', cell: ({ lastUsedAt }) => ago(now - lastUsedAt) },
    { title: 'HITS', align: 'right', cell: ({ hits }) => String(hits) },
    { title: 'NOTE', cell: (entry) => noteOf(entry, now) },
    { title: 'ID', cell: ({ id }) => id.slice(0, SHORT_ID) },
    { title: 'URL', cell: ({ url }) => url },
  ]
  const sum = `${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}, ${sizesOf(entries)}`
  return entries.length === 0 ? [sum] : [...tableLines(layout, entries, columns), sum]
}

/** Characters of an id in the table: as few as every command takes. */
const SHORT_ID = 8

/** `3 GiB`, and how much less that is on the disk where entries share a body. */
export function sizesOf(entries: readonly Showable[]): string {
  const named = entries.reduce((sum, { size }) => sum + size, 0)
  const bodies = new Map(entries.map(({ sha256, size }) => [sha256, size]))
  const stored = [...bodies.values()].reduce((sum, size) => sum + size, 0)
  // A difference that the rounded sizes do not show needs no reason.
  return formatSize(stored) === formatSize(named)
    ? formatSize(named)
    : `${formatSize(named)}; ${formatSize(stored)} on the disk, because entries with the same content share it`
}

/** `pinned` for ever, or `pinned 9d` with the remaining time. A server sends null for ever. */
function pinOf({ pinnedUntil }: Showable, now: number): string[] {
  if (pinnedUntil === undefined) return []
  return [pinnedUntil === null || pinnedUntil === Infinity ? 'pinned' : `pinned ${ago(pinnedUntil - now)}`]
}

/** The largest unit is enough in a table. */
function ago(ms: number): string {
  return formatRoughly(Math.max(0, ms))
}

function noteOf(entry: Showable, now: number): string {
  return [
    ...pinOf(entry, now),
    ...(entry.private ? ['private'] : []),
    ...(entry.unverified === true ? ['unverified'] : []),
  ].join(',')
}
