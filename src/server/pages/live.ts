/** The parts of pages that are updated while the page is open, by name. */

import type { Price } from '../../units.js'
import { servedKinds } from '../../store/types.js'
import { count, size } from './format.js'
import { failureTable, groupFailures } from './failures.js'
import { html, type Html } from './html.js'
import { liveNumbers } from './numbers.js'
import { FLIGHTS_SHOWN, flightTable, quotaBar, tiles, waitingTable } from './parts.js'
import type { Flight, View } from './view.js'
import { listTable } from './list.js'

export interface LiveInput {
  readonly view: View
  readonly egressPrice: Price | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Number of failures on the first page; a separate page shows all of them. */
const FAILURES_SHOWN = 5

const parts = {
  tiles: ({ view, egressPrice }) => tiles(view, egressPrice),
  quota: ({ view }) => quotaBar(view),
  downloading: (input) => firstFlights(input, 'downloading'),
  scheduled: (input) => firstFlights(input, 'scheduled'),
  kinds: ({ view }) => kindTable(view),
  failures: ({ view, now }) => latestFailures(view, now),
} as const satisfies Record<string, (input: LiveInput) => Html>

export type LivePart = keyof typeof parts

/** Running and waiting downloads, at most one page of them. */
export function flightList(flights: readonly Flight[], state: Flight['state'], now: number): Html {
  const waiting = state === 'scheduled'
  if (flights.length === 0)
    return html`<p class="empty">${waiting ? 'No download waits.' : 'Nothing is being downloaded.'}</p>`
  return waiting ? waitingTable(flights, now) : flightTable(flights, now)
}

function firstFlights({ view, now }: LiveInput, state: Flight['state']): Html {
  const all = view.flights.filter((flight) => flight.state === state)
  const more = all.length - FLIGHTS_SHOWN
  return html`${flightList(all.slice(0, FLIGHTS_SHOWN), state, now)}
  ${more > 0 && html`<p class="after"><a href="/resources/${state}/2">and ${count(more)} more</a></p>`}`
}

function latestFailures({ failures }: View, now: number): Html {
  const groups = groupFailures(failures)
  if (groups.length === 0) return html`<p class="empty">Nothing has failed.</p>`
  return html`${failureTable(groups.slice(0, FAILURES_SHOWN), now)}
  ${
    groups.length > FAILURES_SHOWN &&
    html`<p class="after"><a href="/resources/failures/">All ${count(failures.length)} failures</a></p>`
  }`
}

/** Wraps a part in the element that the script updates. */
export function live(input: LiveInput): (name: LivePart) => Html {
  return (name) => html`<div data-live="${name}">${parts[name](input)}</div>`
}

/** All parts, and a sentence for screen readers, which is read out when it changes. */
export function liveState(input: LiveInput): { readonly parts: Record<string, string>; readonly said: string } {
  const { flights: all } = input.view
  const names = Object.keys(parts) as LivePart[]
  return {
    parts: { ...Object.fromEntries(names.map((name) => [name, parts[name](input).text])), ...liveNumbers(input) },
    said: all.length === 0 ? 'No downloads' : all.length === 1 ? '1 download' : `${all.length} downloads`,
  }
}

const meanings = {
  hit: 'from the store',
  collapsed: 'joined a download in flight',
  miss: 'downloaded for this request',
  revalidated: 'from the store, after the origin confirmed it',
  stale: 'from the store, while the origin was down',
  failed: 'an error before the first byte',
} as const

/** Requests and bytes by kind of answer. */
function kindTable({ status: { counts } }: View): Html {
  return listTable(
    'Requests and bytes by kind of answer',
    [
      { title: 'Answer', cell: (kind) => html`${kind} <span class="note">${meanings[kind]}</span>` },
      { title: 'Requests', kind: 'number', cell: (kind) => count(counts[`requests_${kind}`]) },
      { title: 'Bytes', kind: 'number', cell: (kind) => (kind === 'failed' ? '–' : size(counts[`served_${kind}`])) },
    ],
    [...servedKinds, 'failed' as const],
  )
}
