/** Parts that several pages show and that change while a page is open. Pure. */

import { formatDuration, formatMoney, formatPrice, formatRate, formatSize, type Price } from '../../units.js'
import {
  answeredRequests,
  downloadedFrom,
  hitRatio,
  moneySaved,
  ratioOf,
  savedBytes,
  segmentsInFlight,
  servedBytes,
} from '../totals.js'
import { hostOf } from '../../http/urls.js'
import { ago, count, pathOf, percent, readable, size, times } from './format.js'
import { html, type Html, type Part } from './html.js'
import { listTable } from './list.js'
import type { Flight, View } from './view.js'

/** The text of an empty cache, before the first request. */
export const emptyCache = html`<p class="empty">
  The cache is empty. <a href="/help/">Help</a> has lines to paste for curl, wget, LAVA and CI.
</p>`

export interface Marks {
  readonly private?: boolean
  readonly unverified?: boolean
  /** Milliseconds since the epoch, or Infinity. */
  readonly pinnedUntil?: number | undefined
  /** True if decoding its name hides something. */
  readonly encoded?: boolean
}

/** The last segment of a URL's path, and the part before it. */
function segmentsOf(url: string): { readonly name: string; readonly folder: string } {
  const path = pathOf(url)
  const cut = path.replace(/\?…$/, '').lastIndexOf('/') + 1
  return { name: path.slice(cut) || path || '/', folder: path.slice(0, cut) }
}

/** The name of an artifact, for titles. */
export function nameOf(url: string): string {
  return readable(segmentsOf(url).name).text
}

/** An artifact's URL in two lines: the name, and below it the rest of the URL. */
export function artifact(url: string, marks: Marks, href?: string): Html {
  const { name, folder } = segmentsOf(url)
  const shown = readable(name)
  const where = readable(`${hostOf(url)}${folder}`)
  const marked = markTexts({ ...marks, encoded: shown.hides || where.hides })
  return html`<span class="artifact" title="${url}"
    ><span class="title"
      ><bdi class="name">${href === undefined ? shown.text : html`<a href="${href}">${shown.text}</a>`}</bdi
      >${marked}</span
    ><bdi class="where">${where.text}</bdi></span
  >`
}

export function markTexts({
  private: isPrivate = false,
  unverified = false,
  pinnedUntil,
  encoded = false,
}: Marks): Part {
  const doubt = 'Nothing but the end of the connection said that it was whole'
  const kept = 'Neither the quota nor a filter removes it'
  const hidden = 'Percent-encoded characters are shown decoded: the URL is not exactly what it looks like'
  return [
    pinnedUntil !== undefined && html` <span class="mark" title="${kept}">pinned</span>`,
    isPrivate && html` <span class="mark">private</span>`,
    unverified && html` <span class="mark" title="${doubt}">unverified</span>`,
    encoded && html` <span class="mark" title="${hidden}">encoded</span>`,
  ]
}

function tile(name: string, value: Part, note: Part): Html {
  return html`<div class="tile">
    <dt>${name}</dt>
    <dd><span class="value">${value}</span> <span class="note">${note}</span></dd>
  </div>`
}

export function tiles({ status }: View, price: Price | undefined): Html {
  const { counts } = status
  const answered = answeredRequests(counts)
  const bytes = { served: servedBytes(counts), downloaded: counts.downloaded }
  return html`<dl class="tiles">
    ${tile('Served', size(bytes.served), `${count(answered)} answers`)}
    ${tile('Downloaded', size(bytes.downloaded), downloadNote(status))}
    ${tile('Ratio', times(ratioOf(counts)), 'per byte downloaded')}
    ${tile('Hit ratio', percent(hitRatio(answered, answered - counts.requests_miss)), 'without a download')}
    ${
      price === undefined
        ? tile('Saved', size(savedBytes(bytes)), 'not downloaded again')
        : tile('Saved', formatMoney(moneySaved(bytes, price), price.unit), `at ${formatPrice(price)} per GB`)
    }
    ${tile('Entries', count(status.entries), size(status.usage.blobs))}
  </dl>`
}

/** The stored downloads, the bytes that did not come from the origin, and the connections that bring ranges in parallel. */
function downloadNote({ counts, downloads }: View['status']): string {
  const segments = segmentsInFlight(downloads)
  const { mirror, parent } = downloadedFrom(counts)
  const parts = [
    `${count(counts.successes)} stored`,
    ...(mirror > 0 ? [`${formatSize(mirror)} from mirrors`] : []),
    ...(parent > 0 ? [`${formatSize(parent)} from parents`] : []),
    ...(segments > 0 ? [`${count(segments)} segments in flight`] : []),
  ]
  return parts.join(', ')
}

/** The used share of the quota. */
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

/** Maximum number of rows of a live table; the pages of the list show all rows. */
export const FLIGHTS_SHOWN = 50

export function flightTable(flights: readonly Flight[], now: number): Html {
  return listTable<Flight>(
    'Downloads in flight',
    [
      { title: 'Artifact', cell: (flight) => artifact(flight.url, flight) },
      { title: 'Progress', kind: 'wide', phone: {}, cell: progress },
      { title: 'Rate', kind: 'number', phone: {}, cell: ({ rate }) => formatRate(rate) },
      { title: 'Left', kind: 'number', phone: {}, cell: timeLeft },
      { title: 'Readers', kind: 'number', phone: {}, cell: readersOf },
      { title: 'Started', kind: 'number', phone: { before: 'started ' }, cell: ({ startedAt }) => ago(startedAt, now) },
    ],
    flights,
  )
}

/** On a phone an unknown time is left out. */
function timeLeft({ rate, received, length }: Flight): Html {
  return length !== undefined && rate > 0
    ? html`${formatDuration(((length - received) / rate) * 1000)}<span class="phone"> left</span>`
    : html`<span class="desk">–</span>`
}

function readersOf({ readers }: Flight): Html {
  return html`${readers}<span class="phone"> ${readers === 1 ? 'reader' : 'readers'}</span>`
}

/** Downloads without a byte yet: waiting for a place or for the origin's answer. */
export function waitingTable(flights: readonly Flight[], now: number): Html {
  return listTable<Flight>(
    'Downloads that wait',
    [
      { title: 'Artifact', cell: (flight) => artifact(flight.url, flight) },
      { title: 'Waits for', kind: 'wide', phone: {}, cell: waitsFor },
      { title: 'Readers', kind: 'number', phone: {}, cell: readersOf },
      {
        title: 'Requested',
        kind: 'number',
        phone: { before: 'requested ' },
        cell: ({ startedAt }) => ago(startedAt, now),
      },
    ],
    flights,
  )
}

function waitsFor({ place }: Flight): string {
  return place === undefined ? 'the answer of the origin' : `place ${place} in the queue`
}

/** If the length is unknown, there is no share and no progress bar. */
function progress({ url, received, length }: Flight): Html {
  if (length === undefined) return html`${formatSize(received)} <span class="note">of unknown size</span>`
  const share = length === 0 ? 1 : received / length
  const label = `${pathOf(url).split('/').at(-1) ?? ''}: ${percent(share)}`
  return html`<progress max="${Math.max(1, length)}" value="${received}" aria-label="${label}">
      ${percent(share)}</progress
    ><span class="note">${formatSize(received)} of ${formatSize(length)}</span>`
}
