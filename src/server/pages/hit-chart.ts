/** The number of hits of an entry on each of the last days: bars, and the same data as a table. Pure. */

import { count } from './format.js'
import { html, type Html } from './html.js'
import { listTable } from './list.js'

const DAYS = 30
const DAY = 86_400_000
/** Size of the drawing; the page sets its width. */
const BAR = 20
const HEIGHT = 60

/** @param hitsByDay by days since the epoch @param total hits since the entry was stored */
export function hitChart(hitsByDay: ReadonlyMap<number, number>, total: number, now: number): Html {
  const today = Math.floor(now / DAY)
  const days = Array.from({ length: DAYS }, (_, i) => {
    const day = today - DAYS + 1 + i
    return { date: new Date(day * DAY).toISOString().slice(0, 10), hits: hitsByDay.get(day) ?? 0 }
  })
  const sum = days.reduce((n, { hits }) => n + hits, 0)
  if (sum === 0) return html`<p class="empty">It was not served from the store in the last ${DAYS} days.</p>`
  const most = Math.max(...days.map(({ hits }) => hits))
  const words = `${count(sum)} of ${count(total)} hits in the last ${DAYS} days, at most ${count(most)} a day`
  return html`<div class="chart">
    <svg class="bars" viewBox="0 0 ${DAYS * BAR} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${words}">
      ${days.map(({ date, hits }, i) => {
        const height = Math.ceil((hits / most) * (HEIGHT - 2))
        return html`<rect x="${i * BAR + 2}" y="${HEIGHT - height}" width="${BAR - 4}" height="${height}">
          <title>${date}: ${count(hits)}</title>
        </rect>`
      })}
    </svg>
    <p class="ends"><span>${days[0]?.date ?? ''}</span><span>${days.at(-1)?.date ?? ''} (UTC)</span></p>
    <p>${words}.</p>
    <details>
      <summary>As a table</summary>
      ${listTable(
        'Hits by day',
        [
          { title: 'Day (UTC)', cell: ({ date }) => date },
          { title: 'Hits', kind: 'number', cell: ({ hits }) => count(hits) },
        ],
        days.filter(({ hits }) => hits > 0),
      )}
    </details>
  </div>`
}
