/** Pieces that several pages show, and that change while somebody looks. Pure. */

import { formatDuration, formatRate, formatSize } from '../../units.js'
import { answeredRequests, hitRatio, moneySaved, ratioOf, savedBytes, servedBytes } from '../totals.js'
import { hostOf } from '../../http/host.js'
import { ago, count, money, pathOf, percent, size, times } from './format.js'
import { html, type Html, type Part } from './html.js'
import { listTable } from './list.js'
import type { Flight, View } from './view.js'

/** What is seen first, before anybody has asked for anything. */
export const emptyCache = html`<p class="empty">
  The cache is empty. <a href="/help/">Help</a> has lines to paste for curl, wget, LAVA and CI.
</p>`

export interface Marks {
  readonly private?: boolean
  readonly unverified?: boolean
}

/** An artifact's URL in two lines: its name, and below it where it comes from. */
export function artifact(url: string, marks: Marks, href?: string): Html {
  const path = pathOf(url)
  const cut = path.replace(/\?…$/, '').lastIndexOf('/') + 1
  const name = path.slice(cut) || path || '/'
  return html`<span class="artifact" title="${url}"
    ><bdi class="name">${href === undefined ? name : html`<a href="${href}">${name}</a>`}</bdi>${markTexts(marks)}<bdi
      class="where"
      >${hostOf(url)}${path.slice(0, cut)}</bdi
    ></span
  >`
}

function markTexts({ private: isPrivate = false, unverified = false }: Marks): Part {
  const doubt = 'Nothing but the end of the connection said that it was whole'
  return [
    isPrivate && html` <span class="mark">private</span>`,
    unverified && html` <span class="mark" title="${doubt}">unverified</span>`,
  ]
}

function tile(name: string, value: Part, note: Part): Html {
  return html`<div class="tile">
    <dt>${name}</dt>
    <dd><span class="value">${value}</span> <span class="note">${note}</span></dd>
  </div>`
}

export function tiles({ status }: View, price: number | undefined): Html {
  const { counts } = status
  const answered = answeredRequests(counts)
  const bytes = { served: servedBytes(counts), downloaded: counts.downloaded }
  return html`<dl class="tiles">
    ${tile('Served', size(bytes.served), `${count(answered)} answers`)}
    ${tile('Downloaded', size(bytes.downloaded), `${count(counts.successes)} stored`)}
    ${tile('Ratio', times(ratioOf(counts)), 'per byte downloaded')}
    ${tile('Hit ratio', percent(hitRatio(answered, answered - counts.requests_miss)), 'without a download')}
    ${
      price === undefined
        ? tile('Saved', size(savedBytes(bytes)), 'not downloaded again')
        : tile('Saved', money(moneySaved(bytes, price)), `at ${price} per GB`)
    }
    ${tile('Entries', count(status.entries), size(status.usage.blobs))}
  </dl>`
}

/** How full the cache is. */
export function quotaBar({ status: { usage, quota } }: View): Html {
  const used = usage.blobs + usage.reserved
  const reserved = usage.reserved > 0 && html`, ${formatSize(usage.reserved)} of them reserved for downloads`
  if (quota === undefined) return html`<p>${size(used)} stored${reserved}; no quota is set.</p>`
  const text = `${formatSize(used)} of ${formatSize(quota)}`
  return html`<p class="quota">
      <span>${text} (${percent(used / Math.max(1, quota))})${reserved}</span>
      <span class="note">${formatSize(Math.max(0, quota - used))} free</span>
    </p>
    <progress class="full" max="${quota}" value="${Math.min(used, quota)}" aria-label="Space used">${text}</progress>`
}

/** Rows of a live table at most: more is for the pages. */
export const FLIGHTS_SHOWN = 50

export function flightTable(flights: readonly Flight[], now: number): Html {
  return listTable<Flight>(
    'Downloads in flight',
    [
      { title: 'Artifact', cell: (flight) => artifact(flight.url, flight) },
      { title: 'Progress', kind: 'wide', cell: progress },
      { title: 'Rate', kind: 'number', cell: ({ rate }) => formatRate(rate) },
      { title: 'Left', kind: 'number', cell: timeLeft },
      { title: 'Readers', kind: 'number', cell: ({ readers }) => readers },
      { title: 'Started', kind: 'number', cell: ({ startedAt }) => ago(startedAt, now) },
    ],
    flights,
  )
}

function timeLeft({ rate, received, length }: Flight): string {
  return length !== undefined && rate > 0 ? formatDuration(((length - received) / rate) * 1000) : '–'
}

/** Downloads of which nothing has arrived. */
export function waitingTable(flights: readonly Flight[], now: number): Html {
  return listTable<Flight>(
    'Downloads that wait',
    [
      { title: 'Artifact', cell: (flight) => artifact(flight.url, flight) },
      { title: 'Readers', kind: 'number', cell: ({ readers }) => readers },
      { title: 'Asked for', kind: 'number', cell: ({ startedAt }) => ago(startedAt, now) },
    ],
    flights,
  )
}

/** Of an unknown length there is no share, and no bar that would claim one. */
function progress({ url, received, length }: Flight): Html {
  if (length === undefined) return html`${formatSize(received)} <span class="note">of unknown size</span>`
  const share = length === 0 ? 1 : received / length
  const label = `${pathOf(url).split('/').at(-1) ?? ''}: ${percent(share)}`
  return html`<progress max="${Math.max(1, length)}" value="${received}" aria-label="${label}">
      ${percent(share)}</progress
    ><span class="note">${formatSize(received)} of ${formatSize(length)}</span>`
}
