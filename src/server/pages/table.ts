/** Tables of entries and failures, the search above them and the pages below. Pure. */

import type { FailureRecord } from '../../engine/types.js'
import type { Entry } from '../../store/types.js'
import { type ListQuery, listQueryText, type Paged, type SortKey } from './entry-list.js'
import { ago, count, short, size } from './format.js'
import { html, type Html } from './html.js'
import { artifact } from './parts.js'
import { reasonOf } from './reasons.js'

const columns: readonly (readonly [key: SortKey, title: string, numeric: boolean])[] = [
  ['url', 'Artifact', false],
  ['size', 'Size', true],
  ['age', 'Age', true],
  ['fresh', 'Fresh for', true],
  ['used', 'Last use', true],
  ['hits', 'Hits', true],
]

export function entryTable(entries: readonly Entry[], query: ListQuery, now: number): Html {
  return html`<table class="list">
    <caption class="unseen">
      Entries in the cache
    </caption>
    <thead>
      <tr>
        ${columns.map(([key, title, numeric]) => heading(key, title, numeric, query))}
      </tr>
    </thead>
    <tbody>
      ${entries.map((entry) => entryRow(entry, now))}
    </tbody>
  </table>`
}

/** A column's name is the link that sorts by it; by host, which shares a column with the artifact, too. */
function heading(key: SortKey, title: string, numeric: boolean, query: ListQuery): Html {
  const sorted = query.sort === key || (key === 'url' && query.sort === 'host')
  return html`<th
    scope="col"
    class="${numeric ? 'number' : ''}"
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

function entryRow(entry: Entry, now: number): Html {
  const { url, storedAt, staleAt, lastUsedAt, hits } = entry
  const fresh = staleAt > now ? short(staleAt - now) : html`<span class="mark warn">stale</span>`
  return html`<tr>
    <th scope="row">${artifact(url, entry, linkOf(entry))}</th>
    <td data-label="Size" class="number">${size(entry.size)}</td>
    <td data-label="Age" class="number">${ago(storedAt, now)}</td>
    <td data-label="Fresh for" class="number">${fresh}</td>
    <td data-label="Last use" class="number">${ago(lastUsedAt, now)}</td>
    <td data-label="Hits" class="number">${count(hits)}</td>
  </tr>`
}

/** Where a hidden query or a credential is part of the URL, the shown URL does not lead to the artifact. */
function linkOf({ url, private: isPrivate }: Entry): string | undefined {
  return isPrivate || url.endsWith('?…') ? undefined : `/api/v1/fetch?url=${encodeURIComponent(url)}`
}

export function failureTable(failures: readonly FailureRecord[], now: number): Html {
  return html`<table class="list">
    <caption class="unseen">
      Downloads that failed
    </caption>
    <thead>
      <tr>
        <th scope="col">Artifact</th>
        <th scope="col">Reason</th>
        <th scope="col" class="number">When</th>
      </tr>
    </thead>
    <tbody>
      ${failures.map(
        (failure) =>
          html`<tr>
            <th scope="row">${artifact(failure.url, failure)}</th>
            <td data-label="Reason" class="reason">
              <span>${reasonOf(failure.code)}</span> <bdi class="note">${failure.message}</bdi>
            </td>
            <td data-label="When" class="number">${ago(failure.at, now)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`
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
