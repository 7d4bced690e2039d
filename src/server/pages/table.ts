/** Tables of entries and failures, the search above them and the pages below. Pure. */

import type { FailureRecord } from '../../engine/types.js'
import type { Entry } from '../../store/types.js'
import { type ListQuery, listQueryText, type Paged, type SortKey } from './entry-list.js'
import { ago, count, short, size } from './format.js'
import { html, type Html, type Part } from './html.js'
import { type Column, listTable } from './list.js'
import { artifact } from './parts.js'
import { reasonOf } from './reasons.js'

export function entryTable(entries: readonly Entry[], query: ListQuery, now: number): Html {
  const sortable = (key: SortKey, title: string, cell: Column<Entry>['cell']): Column<Entry> => ({
    title,
    kind: 'number',
    heading: heading(key, title, query),
    cell,
  })
  return listTable<Entry>(
    'Entries in the cache',
    [
      sortable('url', 'Artifact', (entry) => artifact(entry.url, entry, linkOf(entry))),
      sortable('size', 'Size', (entry) => size(entry.size)),
      sortable('age', 'Age', ({ storedAt }) => ago(storedAt, now)),
      sortable('fresh', 'Fresh for', ({ staleAt }) => freshness(staleAt, now)),
      sortable('used', 'Last use', ({ lastUsedAt }) => ago(lastUsedAt, now)),
      sortable('hits', 'Hits', ({ hits }) => count(hits)),
    ],
    entries,
  )
}

/** A column's name is the link that sorts by it; by host, which shares a column with the artifact, too. */
function heading(key: SortKey, title: string, query: ListQuery): Html {
  const sorted = query.sort === key || (key === 'url' && query.sort === 'host')
  return html`<th
    scope="col"
    class="${key !== 'url' && 'number'}"
    ${sorted && html`aria-sort="${isDescending(query) ? 'descending' : 'ascending'}"`}
  >
    ${sortLink(key, title, query)}${key === 'url' && html` <span class="by">or</span> ${sortLink('host', 'host', query)}`}
  </th>`
}

/** The largest and the most used come first, of all else the smallest: the youngest, the next to go stale. */
function isDescending({ sort, reverse }: Pick<ListQuery, 'sort' | 'reverse'>): boolean {
  return (sort === 'size' || sort === 'hits') !== reverse
}

function sortLink(key: SortKey, title: string, query: ListQuery): Html {
  const current = query.sort === key
  const { search } = query
  const href = `/resources/successes/${listQueryText({ search, sort: key, reverse: current && !query.reverse })}`
  return html`<a href="${href}" class="${current ? (isDescending(query) ? 'sorted down' : 'sorted up') : ''}"
    >${title}</a
  >`
}

function freshness(staleAt: number, now: number): Part {
  return staleAt > now ? short(staleAt - now) : html`<span class="mark warn">stale</span>`
}

/** Where a hidden query or a credential is part of the URL, the shown URL does not lead to the artifact. */
function linkOf({ url, private: isPrivate }: Entry): string | undefined {
  return isPrivate || url.endsWith('?…') ? undefined : `/api/v1/fetch?url=${encodeURIComponent(url)}`
}

export function failureTable(failures: readonly FailureRecord[], now: number): Html {
  return listTable<FailureRecord>(
    'Downloads that failed',
    [
      { title: 'Artifact', cell: (failure) => artifact(failure.url, failure) },
      { title: 'Reason', kind: 'reason', cell: reason },
      { title: 'When', kind: 'number', cell: ({ at }) => ago(at, now) },
    ],
    failures,
  )
}

function reason({ code, message }: FailureRecord): Html {
  return html`<span>${reasonOf(code)}</span> <bdi class="note">${message}</bdi>`
}

export function searchForm(action: string, query: Pick<ListQuery, 'search' | 'sort' | 'reverse'>): Html {
  return html`<form class="search" role="search" action="${action}">
    <label for="q">Search</label>
    <input id="q" name="q" type="search" value="${query.search}" placeholder="part of a URL" autocomplete="off" />
    ${query.sort !== 'used' && html`<input type="hidden" name="sort" value="${query.sort}" />`}
    ${query.reverse && html`<input type="hidden" name="order" value="reverse" />`}
    <button>Search</button>
    ${query.search !== '' && html`<a href="${action}">Show all</a>`}
  </form>`
}

/** @param address of a page by its number */
export function pager({ page, pages }: Paged<unknown>, address: (page: number) => string): Html | false {
  if (pages === 1) return false
  const link = (to: number, name: string, rel: string): Html =>
    to < 1 || to > pages
      ? html`<span class="off">${name}</span>`
      : html`<a href="${address(to)}" rel="${rel}">${name}</a>`
  return html`<nav class="pager" aria-label="Pages of the list">
    ${link(page - 1, '← Previous', 'prev')} <span>Page ${count(page)} of ${count(pages)}</span>
    ${link(page + 1, 'Next →', 'next')}
  </nav>`
}
