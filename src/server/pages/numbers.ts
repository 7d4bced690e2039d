/** The numbers in the navigation, which are updated on every page. Pure. */

import { count } from './format.js'
import { html, type Html } from './html.js'
import type { View } from './view.js'

const HOUR = 3_600_000

interface Seen {
  readonly view: View
  /** Milliseconds since the epoch. */
  readonly now: number
}

const numbers = {
  downloading: { about: 'downloads in flight', of: ({ view }) => inState(view, 'downloading') },
  waiting: { about: 'downloads that wait', of: ({ view }) => inState(view, 'scheduled') },
  failed: {
    about: 'failures in the last hour',
    of: ({ view, now }) => view.failures.filter(({ at }) => at > now - HOUR).length,
  },
} as const satisfies Record<string, { readonly about: string; readonly of: (seen: Seen) => number }>

export type NumberName = keyof typeof numbers

function inState({ flights }: View, state: 'downloading' | 'scheduled'): number {
  return flights.filter((flight) => flight.state === state).length
}

/** The content of the element that {@link navigationNumber} makes. */
function content(name: NumberName, seen: Seen): Html {
  const n = numbers[name].of(seen)
  return n === 0 ? html`` : html`<span class="n" title="${numbers[name].about}">${count(n)}</span>`
}

export function navigationNumber(name: NumberName, seen: Seen): Html {
  return html` <span data-live="n-${name}">${content(name, seen)}</span>`
}

/** Each number, by the name of its element. */
export function liveNumbers(seen: Seen): Record<string, string> {
  return Object.fromEntries(
    (Object.keys(numbers) as NumberName[]).map((name) => [`n-${name}`, content(name, seen).text]),
  )
}
