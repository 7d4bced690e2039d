/** The lists: entries, downloads that wait or run, failures; searched, sorted, in pages. */

import { listEntries, listQueryText, matching, type Paged, paged, readListQuery } from './entry-list.js'
import { count } from './format.js'
import { html, type Html } from './html.js'
import type { Page } from './layout.js'
import { flightList, live } from './live.js'
import { emptyCache } from './parts.js'
import type { PageContext } from './site.js'
import { entryTable, failureTable, pager, searchForm } from './table.js'

type ListName = 'scheduled' | 'downloading' | 'successes' | 'failures'

export const listPath = /^\/resources\/(scheduled|downloading|successes|failures)(?:\/(\d{1,6})?\/?)?$/

export function resourcesPage(context: PageContext): Promise<Page> | Page {
  switch (context.request.params[0] as ListName) {
    case 'successes':
      return entriesPage(context)
    case 'failures':
      return failuresPage(context)
    case 'scheduled':
      return flightsPage(context, 'scheduled')
    case 'downloading':
      return flightsPage(context, 'downloading')
  }
}

const pageOf = ({ request }: PageContext): string => request.params[1] ?? ''

async function entriesPage(context: PageContext): Promise<Page> {
  const { query: parameters, snapshots, request, now } = context
  const query = readListQuery(parameters, pageOf(context))
  const all = await snapshots.entries(request.role)
  const list = listEntries(all, query)
  const current = '/resources/successes/'
  return {
    title: 'Entries',
    current,
    body: html`
      ${searchForm(current, query)}
      <p class="note" role="status">${found(list, all.length, 'entry', 'entries')}</p>
      ${
        list.total > 0
          ? entryTable(list.items, query, now)
          : query.search === ''
            ? emptyCache
            : html`<p class="empty">No entry has that in its URL.</p>`
      }
      ${pager(list, (page) => `${current}${page}${listQueryText(query)}`)}
    `,
  }
}

function failuresPage(context: PageContext): Page {
  const { query: parameters, view, now } = context
  const { search, page } = readListQuery(parameters, pageOf(context))
  const list = paged(matching(view.failures, search), page)
  const current = '/resources/failures/'
  const more = listQueryText({ search, sort: 'used', reverse: false })
  return {
    title: 'Failures',
    current,
    body: html`
      <p class="note">
        Downloads that failed for good, the newest first; the last 500 are kept. Whoever asks more than 10 seconds after
        a failure makes the cache try again.
      </p>
      ${searchForm(current, { search, sort: 'used', reverse: false })}
      <p class="note" role="status">${found(list, view.failures.length, 'failure', 'failures')}</p>
      ${
        list.total === 0
          ? html`<p class="empty">${search === '' ? 'Nothing has failed.' : 'No failure has that in its URL.'}</p>`
          : failureTable(list.items, now)
      }
      ${pager(list, (to) => `${current}${to}${more}`)}
    `,
  }
}

const flightTexts = {
  downloading: {
    title: 'Downloading',
    about: 'Each is downloaded once, and streamed to all its readers while it arrives.',
  },
  scheduled: {
    title: 'Scheduled',
    about: 'As many downloads run at once as --max-downloads and --max-downloads-per-host allow; the others wait here.',
  },
} as const

function flightsPage(context: PageContext, state: 'scheduled' | 'downloading'): Page {
  const { view, now } = context
  const { title, about } = flightTexts[state]
  const flights = view.flights.filter((flight) => flight.state === state)
  const list = paged(flights, readListQuery(context.query, pageOf(context)).page)
  return {
    title,
    current: `/resources/${state}/`,
    refresh: 10,
    body: html`
      <p class="note">${about}</p>
      ${list.page === 1 ? live(context)(state) : flightList(list.items, state, now)}
      ${pager(list, (page) => `/resources/${state}/${page}`)}
    `,
  }
}

function found({ total }: Paged<unknown>, all: number, one: string, many: string): Html {
  const noun = all === 1 ? one : many
  return total === all ? html`${count(all)} ${noun}` : html`${count(total)} of ${count(all)} ${noun}`
}
