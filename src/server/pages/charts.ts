/** Charts of past values: a figure that the script draws, and the same data as a table. Pure. */

import { type Amounts, type Interval, type SpanName, spans, totalOf } from '../../store/figures/intervals.js'
import { formatDuration } from '../../units.js'
import { hitRatio } from '../totals.js'
import { percent, size } from './format.js'
import { html, type Html } from './html.js'
import { listTable } from './list.js'

/** Number of rows of the table: enough to be useful, few enough to be read. */
const ROWS = 12

const titles: Readonly<Record<SpanName, string>> = {
  hour: 'last hour',
  day: 'last day',
  month: 'last month',
}

export function chart(span: SpanName, intervals: readonly Interval[]): Html {
  return html`<figure
    class="chart"
    data-chart="/statistics/${span}.json"
    aria-label="Downloaded and served in the ${titles[span]}"
  >
    <div class="plots" hidden tabindex="0" role="group" aria-label="Chart: the arrow keys move through time">
      <h3>Served</h3>
      <div class="plot" data-plot="served"></div>
      <h3>Downloaded</h3>
      <div class="plot" data-plot="downloaded"></div>
    </div>
    <p class="unseen" role="status" data-said></p>
    <figcaption>${chartWords(span, intervals)}</figcaption>
    ${intervals.some(isKnown) && html`<noscript>${chartTable(span, intervals)}</noscript>`}
  </figure>`
}

const fromStore = (amounts: Amounts): number => amounts.served_hit + amounts.served_revalidated + amounts.served_stale
const stepOf = (span: SpanName): string => formatDuration(spans[span].step)
const isKnown = ({ amounts }: Interval): boolean => amounts !== undefined

/** The figure as text. The script replaces it with newer text. */
function chartWords(span: SpanName, intervals: readonly Interval[]): Html {
  if (!intervals.some(isKnown)) {
    return html`<p>No data for the ${titles[span]} yet. The first point appears after ${stepOf(span)}.</p>`
  }
  const { served, downloaded, answered, hits } = totalOf(intervals)
  return html`<p>
      ${size(served)} served and ${size(downloaded)} downloaded in the ${titles[span]}, hit ratio
      ${percent(hitRatio(answered, hits))}. Each point is the mean of ${stepOf(span)}.
    </p>
    <details>
      <summary>As a table</summary>
      ${chartTable(span, intervals)}
    </details>`
}

function chartTable(span: SpanName, intervals: readonly Interval[]): Html {
  const width = Math.ceil(intervals.length / ROWS)
  const groups = Array.from({ length: ROWS }, (_, i) => intervals.slice(i * width, (i + 1) * width))
  const rows = groups
    .filter((group) => group.length > 0)
    .map((group) => ({ from: group[0]?.at ?? 0, known: group.some(isKnown), ...totalOf(group) }))
  return listTable(
    `Downloaded and served in the ${titles[span]}`,
    [
      { title: 'From (UTC)', cell: ({ from }) => moment(from) },
      { title: 'Downloaded', kind: 'number', cell: ({ known, downloaded }) => (known ? size(downloaded) : '–') },
      { title: 'Served', kind: 'number', cell: ({ known, served }) => (known ? size(served) : '–') },
      { title: 'From the store', kind: 'number', cell: ({ known, ...of }) => (known ? size(fromStore(of)) : '–') },
      { title: 'Joined', kind: 'number', cell: ({ known, ...of }) => (known ? size(of.served_collapsed) : '–') },
      { title: 'Hit ratio', kind: 'number', cell: ({ answered, hits }) => percent(hitRatio(answered, hits)) },
    ],
    rows,
  )
}

function moment(at: number): Html {
  const iso = new Date(at).toISOString()
  return html`<time datetime="${iso}">${iso.slice(5, 16).replace('T', ' ')}</time>`
}

/**
 * The data that the script draws, one column for each line of uPlot, and the text as HTML. Times are seconds, amounts are
 * bytes a second. null is unknown; for the hit ratio also a time without requests.
 */
export function chartData(span: SpanName, intervals: readonly Interval[]): Readonly<Record<string, unknown>> {
  const column = (value: (amounts: Amounts) => number | undefined): (number | null)[] =>
    intervals.map(({ amounts }) => (amounts === undefined ? null : (value(amounts) ?? null)))
  const seconds = spans[span].step / 1000
  const rate = (value: (amounts: Amounts) => number): (number | null)[] =>
    column((amounts) => Math.round(value(amounts) / seconds))
  return {
    times: intervals.map(({ at }) => at / 1000),
    step: seconds,
    downloaded: rate(({ downloaded }) => downloaded),
    served: rate(({ served }) => served),
    fromStore: rate(fromStore),
    joined: rate((amounts) => amounts.served_collapsed),
    fromOrigin: rate((amounts) => amounts.served_miss),
    hitRatio: column(({ answered, hits }) => hitRatio(answered, hits)),
    words: chartWords(span, intervals).text,
  }
}
