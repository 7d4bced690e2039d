/** Tables of entries, and the page links below them. Pure. */

import type { PageQuery } from '../../engine/types.js'
import type { SortKey } from '../../store/listing.js'
import type { Entry } from '../../store/types.js'
import { listQueryText, type Paged, pagesOf } from './entry-list.js'
import { ago, count, short, size } from './format.js'
import { html, type Html, type Part } from './html.js'
import { type Column, listTable } from './list.js'
import { artifact } from './parts.js'

export function entryTable(entries: readonly Entry[], query: PageQuery, now: number): Html {
  const sortable = (
    key: SortKey,
    title: string,
    cell: Column<Entry>['cell'],
    phone: NonNullable<Column<Entry>['phone']> = {},
  ): Column<Entry> => ({ title, kind: 'number', heading: heading(key, title, query), cell, phone })
  return listTable<Entry>(
    'Entries in the cache',
    [
      sortable('url', 'Artifact', (entry) => artifact(entry.url, entry, entryPath(entry))),
      sortable('size', 'Size', (entry) => size(entry.size)),
      sortable('age', 'Age', ({ storedAt }) => ago(storedAt, now), 'hidden'),
      sortable('fresh', 'Fresh for', ({ staleAt }) => freshness(staleAt, now), { before: 'fresh ' }),
      sortable('used', 'Last use', ({ lastUsedAt }) => ago(lastUsedAt, now), { before: 'used ' }),
      sortable('hits', 'Hits', ({ hits }) => count(hits), { after: ' hits' }),
    ],
    entries,
  )
}

/** A table of entries without links for sorting. */
export function plainEntryTable(caption: string, entries: readonly Entry[], now: number): Html {
  return listTable<Entry>(
    caption,
    [
      { title: 'Artifact', cell: (entry) => artifact(entry.url, entry, entryPath(entry)) },
      { title: 'Size', kind: 'number', phone: {}, cell: (entry) => size(entry.size) },
      { title: 'Last use', kind: 'number', phone: { before: 'used ' }, cell: ({ lastUsedAt }) => ago(lastUsedAt, now) },
      { title: 'Hits', kind: 'number', phone: { after: ' hits' }, cell: ({ hits }) => count(hits) },
    ],
    entries,
  )
}

/** The title of a column is the link that sorts by it. The column of the artifact also has a link that sorts by host. */
function heading(key: SortKey, title: string, query: PageQuery): Html {
  const sorted = query.sort === key || (key === 'url' && query.sort === 'host')
  return html`<th
    scope="col"
    class="${key !== 'url' && 'number'}"
    ${sorted && html`aria-sort="${isDescending(query) ? 'descending' : 'ascending'}"`}
  >
    ${sortLink(key, title, query)}${key === 'url' && html` <span class="by">or</span> ${sortLink('host', 'host', query)}`}
  </th>`
}

/** The first order is descending for size and hits, and ascending for all others: youngest first, next stale first. */
function isDescending({ sort, reverse }: Pick<PageQuery, 'sort' | 'reverse'>): boolean {
  return (sort === 'size' || sort === 'hits') !== reverse
}

function sortLink(key: SortKey, title: string, query: PageQuery): Html {
  const current = query.sort === key
  const href = `/resources/successes/${listQueryText({ ...query, sort: key, reverse: current && !query.reverse })}`
  return html`<a href="${href}" class="${current ? (isDescending(query) ? 'sorted down' : 'sorted up') : ''}"
    >${title}</a
  >`
}

function freshness(staleAt: number, now: number): Part {
  return staleAt > now ? short(staleAt - now) : html`<span class="mark warn">stale</span>`
}

/** The address of the page of an entry. */
function entryPath({ id }: Pick<Entry, 'id'>): string {
  return `/entries/${id}`
}

/** @param address returns the address of a page by its number */
export function pager({ page, total }: Paged<unknown>, address: (page: number) => string): Html | false {
  const pages = pagesOf(total)
  if (pages === 1) return false
  const link = (to: number, name: string, rel: string): Html =>
    to < 1 || to > pages
      ? html`<span class="off">${name}</span>`
      : html`<a href="${address(to)}" rel="${rel}">${name}</a>`
  return html`<nav class="pager" aria-label="Pages of the list">
    ${link(page - 1, '← Previous', 'prev')}
    <span>Page ${count(page)} of ${count(pages)}</span>
    ${link(page + 1, 'Next →', 'next')}
  </nav>`
}
