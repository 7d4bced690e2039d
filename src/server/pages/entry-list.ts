/** The address of a page of the list: filters, sort order and page number. Pure. */

import { PAGE_SIZE, type PageQuery } from '../../engine/types.js'
import { type EntryChoice, type SortKey, sortKeys, states } from '../../store/listing.js'
import { parseSize } from '../../units.js'
import { kissCacheOrder } from './kisscache-order.js'

/** The longest search text. A longer text matches nothing, because no URL is as long. */
const longestSearch = 500

/** Parses the query of an address. An invalid value is replaced by the default. */
export function readListQuery(query: URLSearchParams, page: string): PageQuery {
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
export function listQueryText({ sort, reverse, ...choice }: Omit<PageQuery, 'page'>): string {
  const query = new URLSearchParams(choiceFields(choice))
  if (sort !== 'used') query.set('sort', sort)
  if (reverse) query.set('order', 'reverse')
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

/** The items of one page of a list. */
export interface Paged<T> {
  readonly items: readonly T[]
  readonly page: number
  /** Number of items on all pages. */
  readonly total: number
}

/** A page number beyond the last page gives the last page. */
export function paged<T>(items: readonly T[], page: number): Paged<T> {
  const current = Math.min(page, pagesOf(items.length))
  return { items: items.slice((current - 1) * PAGE_SIZE, current * PAGE_SIZE), total: items.length, page: current }
}

export function pagesOf(total: number): number {
  return Math.max(1, Math.ceil(total / PAGE_SIZE))
}

export function matching<T extends { readonly url: string }>(items: readonly T[], search: string): T[] {
  const wanted = search.toLowerCase()
  return items.filter(({ url }) => url.toLowerCase().includes(wanted))
}
