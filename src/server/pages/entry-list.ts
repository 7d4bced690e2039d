/** Selects and sorts the entries of a page of the list. Pure. */

import type { ShownEntry } from '../../engine/types.js'
import { hostOf } from '../../http/urls.js'
import { parseSize } from '../../units.js'
import { kissCacheOrder } from './kisscache-order.js'

export const sortKeys = ['url', 'host', 'size', 'age', 'fresh', 'used', 'hits'] as const
export type SortKey = (typeof sortKeys)[number]

export const states = ['fresh', 'stale', 'pinned', 'unverified', 'private'] as const
export type State = (typeof states)[number]

/** The filters of the list. A value '' or undefined filters nothing. */
export interface EntryChoice {
  /** Part of a URL, case-insensitive. */
  readonly search: string
  /** The whole host, with its port. */
  readonly host: string
  readonly state: State | undefined
  /** Minimum size in bytes, exclusive. */
  readonly largerThan: number | undefined
}

export interface ListQuery extends EntryChoice {
  readonly sort: SortKey
  readonly reverse: boolean
  /** The number of the page, from 1. */
  readonly page: number
}

export const PAGE_SIZE = 50

/** The longest search text. A longer text matches nothing, because no URL is as long. */
const longestSearch = 500

type Order = (a: ShownEntry, b: ShownEntry) => number

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The first sort order of each column: largest, youngest, last used, most used, next stale. */
const orders: Readonly<Record<SortKey, Order>> = {
  url: (a, b) => byText(a.url, b.url),
  host: (a, b) => byText(hostOf(a.url), hostOf(b.url)),
  size: (a, b) => b.size - a.size,
  age: (a, b) => b.storedAt - a.storedAt,
  fresh: (a, b) => a.staleAt - b.staleAt,
  used: (a, b) => b.lastUsedAt - a.lastUsedAt,
  hits: (a, b) => b.hits - a.hits,
}

/** Parses the query of an address. An invalid value is replaced by the default. */
export function readListQuery(query: URLSearchParams, page: string): ListQuery {
  const kissCache = sortOfKissCache(query)
  const sort = sortKeys.find((key) => key === query.get('sort')) ?? kissCache?.sort ?? 'used'
  return {
    ...readChoice(query),
    sort,
    reverse: query.get('order') === 'reverse' || (query.get('sort') === null && kissCache?.reverse === true),
    page: /^\d{1,6}$/.test(page) ? Math.max(1, Number(page)) : 1,
  }
}

export function readChoice(query: URLSearchParams): EntryChoice {
  return {
    search: (query.get('q') ?? '').trim().slice(0, longestSearch),
    host: (query.get('host') ?? '').trim().slice(0, longestSearch),
    state: states.find((state) => state === query.get('state')),
    largerThan: sizeOf(query.get('larger-than') ?? ''),
  }
}

function sizeOf(text: string): number | undefined {
  try {
    return text === '' ? undefined : parseSize(text, 'larger-than')
  } catch {
    // An invalid size in the address is no filter.
    return undefined
  }
}

export function isChoosing({ search, host, state, largerThan }: EntryChoice): boolean {
  return search !== '' || host !== '' || state !== undefined || largerThan !== undefined
}

/** The value of a filter in a form or an address, by name. */
export function choiceFields({ search, host, state, largerThan }: EntryChoice): [name: string, value: string][] {
  const fields: [string, string][] = []
  if (search !== '') fields.push(['q', search])
  if (host !== '') fields.push(['host', host])
  if (state !== undefined) fields.push(['state', state])
  if (largerThan !== undefined) fields.push(['larger-than', String(largerThan)])
  return fields
}

/** The keys that sort like fields of KissCache (its `models.py`), and whether their first order is ascending. */
const kissCacheFields: Readonly<Record<string, { readonly sort: SortKey; readonly ascends: boolean }>> = {
  url: { sort: 'url', ascends: true },
  content_length: { sort: 'size', ascends: false },
  created_at: { sort: 'age', ascends: false },
  last_usage: { sort: 'used', ascends: false },
  usage: { sort: 'hits', ascends: false },
  ttl: { sort: 'fresh', ascends: true },
}

function sortOfKissCache(query: URLSearchParams): { readonly sort: SortKey; readonly reverse: boolean } | undefined {
  const { field, descending } = kissCacheOrder(query)
  const found = Object.hasOwn(kissCacheFields, field) ? kissCacheFields[field] : undefined
  return found && { sort: found.sort, reverse: found.ascends === descending }
}

/** The query of the address of a list, without default values. */
export function listQueryText({ sort, reverse, ...choice }: Omit<ListQuery, 'page'>): string {
  const query = new URLSearchParams(choiceFields(choice))
  if (sort !== 'used') query.set('sort', sort)
  if (reverse) query.set('order', 'reverse')
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

export interface Paged<T> {
  readonly items: readonly T[]
  /** Number of entries on all pages. */
  readonly total: number
  readonly page: number
  readonly pages: number
}

/** A page number beyond the last page gives the last page. */
export function paged<T>(items: readonly T[], page: number, pageSize = PAGE_SIZE): Paged<T> {
  const pages = Math.max(1, Math.ceil(items.length / pageSize))
  const current = Math.min(page, pages)
  return { items: items.slice((current - 1) * pageSize, current * pageSize), total: items.length, page: current, pages }
}

export function matching<T extends { readonly url: string }>(items: readonly T[], search: string): T[] {
  const wanted = search.toLowerCase()
  return items.filter(({ url }) => url.toLowerCase().includes(wanted))
}

/** @param now milliseconds since the epoch */
export function chosen({ search, host, state, largerThan }: EntryChoice, now: number): (entry: ShownEntry) => boolean {
  const wanted = search.toLowerCase()
  return (entry) =>
    entry.url.toLowerCase().includes(wanted) &&
    (host === '' || hostOf(entry.url) === host) &&
    (state === undefined || isIn(state, entry, now)) &&
    (largerThan === undefined || entry.size > largerThan)
}

function isIn(
  state: State,
  { staleAt, unverified, pinnedUntil, private: isPrivate }: ShownEntry,
  now: number,
): boolean {
  switch (state) {
    case 'fresh':
      return staleAt > now
    case 'stale':
      return staleAt <= now
    case 'pinned':
      return pinnedUntil !== undefined
    case 'unverified':
      return unverified
    case 'private':
      return isPrivate
  }
}

export function listEntries(entries: readonly ShownEntry[], query: ListQuery, now: number): Paged<ShownEntry> {
  const order = orders[query.sort]
  const sorted = entries.filter(chosen(query, now)).sort((a, b) => order(a, b) || byText(a.url, b.url))
  return paged(query.reverse ? sorted.reverse() : sorted, query.page)
}
