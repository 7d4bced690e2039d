/** Charts of the past: a figure that the script draws, and the same as a table. Pure. */

import { type Amounts, type Interval, type SpanName, spans, totalOf } from '../../store/figures/intervals.js'
import { formatDuration } from '../../units.js'
import { hitRatio } from '../totals.js'
import { percent, size } from './format.js'
import { html, type Html } from './html.js'
import { listTable } from './list.js'

/** Rows of the table: enough to read, few enough to be read. */
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
    <div class="plot" hidden></div>
    <figcaption>${chartWords(span, intervals)}</figcaption>
    ${intervals.some(isKnown) && html`<noscript>${chartTable(span, intervals)}</noscript>`}
  </figure>`
}

const stepOf = (span: SpanName): string => formatDuration(spans[span].step)
const isKnown = ({ amounts }: Interval): boolean => amounts !== undefined

/** The figure in words, which the script exchanges for newer ones. */
function chartWords(span: SpanName, intervals: readonly Interval[]): Html {
  if (!intervals.some(isKnown)) {
    return html`<p>Nothing is known of the ${titles[span]} yet. Its first point takes ${stepOf(span)}.</p>`
  }
  const { served, downloaded, answered, hits } = totalOf(intervals)
  return html`<p>
      ${size(served)} served and ${size(downloaded)} downloaded in the ${titles[span]}, hit ratio
      ${percent(hitRatio(answered, hits))}. Each point stands for ${stepOf(span)}.
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
      { title: 'Hit ratio', kind: 'number', cell: ({ answered, hits }) => percent(hitRatio(answered, hits)) },
    ],
    rows,
  )
}

function moment(at: number): Html {
  const iso = new Date(at).toISOString()
  return html`<time datetime="${iso}">${iso.slice(5, 16).replace('T', ' ')}</time>`
}

/** What the script draws and says: a column each, for uPlot, and HTML. Times are seconds; null is unknown. */
export function chartData(span: SpanName, intervals: readonly Interval[]): Readonly<Record<string, unknown>> {
  const column = (value: (amounts: Amounts) => number | undefined): (number | null)[] =>
    intervals.map(({ amounts }) => (amounts === undefined ? null : (value(amounts) ?? null)))
  return {
    times: intervals.map(({ at }) => at / 1000),
    downloaded: column(({ downloaded }) => Math.round(downloaded)),
    served: column(({ served }) => Math.round(served)),
    hitRatio: column(({ answered, hits }) => hitRatio(answered, hits)),
    words: chartWords(span, intervals).text,
  }
}
