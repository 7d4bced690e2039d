/** Which entries a page of the list shows, in which order. Pure. */

import type { Entry } from '../../store/types.js'
import { hostOf } from '../../http/host.js'

export const sortKeys = ['url', 'host', 'size', 'age', 'fresh', 'used', 'hits'] as const
export type SortKey = (typeof sortKeys)[number]

export interface ListQuery {
  /** Part of a URL, in any case; '' for all. */
  readonly search: string
  readonly sort: SortKey
  readonly reverse: boolean
  /** From 1. */
  readonly page: number
}

export const PAGE_SIZE = 50

/** Longer ones find nothing: no URL is as long. */
const longestSearch = 500

type Order = (a: Entry, b: Entry) => number

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The most interesting first: the largest, the youngest, what was used last and most, what goes stale next. */
const orders: Readonly<Record<SortKey, Order>> = {
  url: (a, b) => byText(a.url, b.url),
  host: (a, b) => byText(hostOf(a.url), hostOf(b.url)),
  size: (a, b) => b.size - a.size,
  age: (a, b) => b.storedAt - a.storedAt,
  fresh: (a, b) => a.staleAt - b.staleAt,
  used: (a, b) => b.lastUsedAt - a.lastUsedAt,
  hits: (a, b) => b.hits - a.hits,
}

/** What strangers write into an address; what makes no sense is the default. */
export function readListQuery(query: URLSearchParams, page: string): ListQuery {
  const sort = sortKeys.find((key) => key === query.get('sort')) ?? 'used'
  return {
    search: (query.get('q') ?? '').trim().slice(0, longestSearch),
    sort,
    reverse: query.get('order') === 'reverse',
    page: /^\d{1,6}$/.test(page) ? Math.max(1, Number(page)) : 1,
  }
}

/** The query that leads to a list; defaults are left out. */
export function listQueryText({ search, sort, reverse }: Omit<ListQuery, 'page'>): string {
  const query = new URLSearchParams()
  if (search !== '') query.set('q', search)
  if (sort !== 'used') query.set('sort', sort)
  if (reverse) query.set('order', 'reverse')
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

export interface Paged<T> {
  readonly items: readonly T[]
  /** Of all pages. */
  readonly total: number
  readonly page: number
  readonly pages: number
}

/** A page beyond the last is the last. */
export function paged<T>(items: readonly T[], page: number, pageSize = PAGE_SIZE): Paged<T> {
  const pages = Math.max(1, Math.ceil(items.length / pageSize))
  const current = Math.min(page, pages)
  return { items: items.slice((current - 1) * pageSize, current * pageSize), total: items.length, page: current, pages }
}

export function matching<T extends { readonly url: string }>(items: readonly T[], search: string): T[] {
  const wanted = search.toLowerCase()
  return items.filter(({ url }) => url.toLowerCase().includes(wanted))
}

export function listEntries(entries: readonly Entry[], query: ListQuery): Paged<Entry> {
  const order = orders[query.sort]
  const sorted = matching(entries, query.search).sort((a, b) => order(a, b) || byText(a.url, b.url))
  return paged(query.reverse ? sorted.reverse() : sorted, query.page)
}
