/** The parts of pages that are kept up to date while somebody looks, by name. */

import { html, type Html } from './html.js'
import { FLIGHTS_SHOWN, flightTable, quotaBar, tiles } from './parts.js'
import type { View } from './view.js'

export interface LiveInput {
  readonly view: View
  readonly egressPrice: number | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

const parts = {
  tiles: ({ view, egressPrice }) => tiles(view, egressPrice),
  quota: ({ view }) => quotaBar(view),
  downloading: (input) => flights(input, 'downloading', 'Downloads in flight', 'Nothing is being downloaded.'),
  scheduled: (input) => flights(input, 'scheduled', 'Downloads that wait', 'Nothing waits for its turn.'),
} as const satisfies Record<string, (input: LiveInput) => Html>

export type LivePart = keyof typeof parts

function flights({ view, now }: LiveInput, state: 'downloading' | 'scheduled', caption: string, empty: string): Html {
  const all = view.flights.filter((flight) => flight.state === state)
  const more = all.length - FLIGHTS_SHOWN
  return html`${flightTable(all.slice(0, FLIGHTS_SHOWN), now, caption, empty)}
  ${more > 0 && html`<p class="note">and ${more} more</p>`}`
}

/** A part in the element by which the script finds it. */
export function live(input: LiveInput): (name: LivePart) => Html {
  return (name) => html`<div data-live="${name}">${parts[name](input)}</div>`
}

/** All parts, and a sentence that is read out when it changes. */
export function liveState(input: LiveInput): { readonly parts: Record<string, string>; readonly said: string } {
  const { flights: all } = input.view
  const names = Object.keys(parts) as LivePart[]
  return {
    parts: Object.fromEntries(names.map((name) => [name, parts[name](input).text])),
    said: all.length === 0 ? 'No downloads' : all.length === 1 ? '1 download' : `${all.length} downloads`,
  }
}
