/** The lists: entries, waiting and running downloads, failures; with search, sort order and pages. */

import type { PageQuery } from '../../engine/types.js'
import { choiceFields, isChoosing, listQueryText, matching, type Paged, paged, readListQuery } from './entry-list.js'
import { count } from './format.js'
import { html, type Html } from './html.js'
import type { Page } from './layout.js'
import { failureFields, failureTable, groupFailures } from './failures.js'
import { filterForm, searchForm } from './filters.js'
import { type Comparisons, inKissCacheOrder, kissCacheOrder } from './kisscache-order.js'
import { flightList, live } from './live.js'
import { emptyCache } from './parts.js'
import type { PageContext } from './site.js'
import { entryTable, pager } from './table.js'
import type { Flight } from './view.js'

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
  const { query: parameters, services, request, now } = context
  const { catalogue } = services.engine
  const query = readListQuery(parameters, pageOf(context))
  const [hosts, list] = await Promise.all([catalogue.hosts(request.role), catalogue.page(query, request.role)])
  const all = hosts.reduce((sum, { entries }) => sum + entries, 0)
  const current = '/resources/successes/'
  const removed = /^\d{1,9}$/.exec(parameters.get('removed') ?? '')?.[0]
  return {
    title: 'Entries',
    current,
    body: html`
      ${removed !== undefined && html`<p class="done" role="status">${count(Number(removed))} removed.</p>`}
      ${filterForm(current, query, hosts, request.role)}
      <p class="note" role="status">${numberOf(list, all, 'entry', 'entries')}</p>
      ${
        list.items.length > 0
          ? entryTable(list.items, query, now)
          : isChoosing(query)
            ? html`<p class="empty">No entry matches.</p>`
            : emptyCache
      }
      ${pager(list, (page) => `${current}${page}${listQueryText(query)}`)}
      ${request.role === 'admin' && list.items.length > 0 && purgeLink(query, list)}
    `,
  }
}

function purgeLink(query: PageQuery, { total }: Paged<unknown>): Html {
  const fields = new URLSearchParams(choiceFields(query)).toString()
  const which = `${isChoosing(query) ? 'these' : 'all'} ${count(total)}`
  return html`<p class="after"><a class="danger" href="/entries/purge?${fields}">Purge ${which} …</a></p>`
}

function failuresPage(context: PageContext): Page {
  const { query: parameters, view, now } = context
  const { search, page } = readListQuery(parameters, pageOf(context))
  const matched = matching(view.failures, search)
  const groups = groupFailures(matched)
  const ordered = inKissCacheOrder(groups, kissCacheOrder(parameters), failureFields)
  const list = paged(ordered ?? groups, page)
  const current = '/resources/failures/'
  const more = queryText({ q: search, order: ordered && parameters.get('order') })
  return {
    title: 'Failures',
    current,
    body: html`
      <p class="note">
        Downloads that failed after all retries, the newest first; the last 500 are kept. Requests within 10 seconds of
        a failure get the same answer. The next request after that starts another download.
      </p>
      ${searchForm(current, search)}
      <p class="note" role="status">
        ${numberOf({ ...list, total: matched.length }, view.failures.length, 'failure', 'failures')}
        ${list.total < matched.length && html`in ${count(list.total)} ${list.total === 1 ? 'group' : 'groups'}`}
      </p>
      ${
        list.total === 0
          ? html`<p class="empty">${search === '' ? 'Nothing has failed.' : 'No failure matches.'}</p>`
          : failureTable(list.items, now)
      }
      ${pager(list, (to) => `${current}${to}${more}`)}
    `,
  }
}

const flightTexts = {
  downloading: {
    title: 'Downloading',
    about: 'Each artifact is downloaded once and streamed to all its readers while it arrives.',
  },
  scheduled: {
    title: 'Waiting',
    about:
      'Downloads that wait for a place (--max-downloads, --max-downloads-per-host), or for the first byte of their origin.',
  },
} as const

/** The fields by which KissCache sorts its downloads. */
const flightFields: Comparisons<Flight> = {
  url: ({ url }) => url,
  content_length: ({ length }) => length ?? 0,
  created_at: ({ startedAt }) => startedAt,
}

function flightsPage(context: PageContext, state: 'scheduled' | 'downloading'): Page {
  const { view, now } = context
  const { title, about } = flightTexts[state]
  const flights = view.flights.filter((flight) => flight.state === state)
  const ordered = inKissCacheOrder(flights, kissCacheOrder(context.query), flightFields)
  const list = paged(ordered ?? flights, readListQuery(context.query, pageOf(context)).page)
  const more = queryText({ order: ordered && context.query.get('order') })
  return {
    title,
    current: `/resources/${state}/`,
    refresh: 10,
    body: html`
      <p class="note">${about}</p>
      ${list.page === 1 && !ordered ? live(context)(state) : flightList(list.items, state, now)}
      ${pager(list, (page) => `/resources/${state}/${page}${more}`)}
    `,
  }
}

/** @param known number of items without filters; there may be newer ones. */
function numberOf({ total }: Paged<unknown>, known: number, one: string, many: string): Html {
  const all = Math.max(known, total)
  const noun = all === 1 ? one : many
  return total === all ? html`${count(all)} ${noun}` : html`${count(total)} of ${count(all)} ${noun}`
}

/** The part of the query that links to other pages keep. */
function queryText(fields: Readonly<Record<string, string | null | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) if (value) query.set(name, value)
  return query.size === 0 ? '' : `?${query.toString()}`
}
