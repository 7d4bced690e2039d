/** The page of figures: by kind of answer, by host, and over time. */

import type { HostFigures } from '../../engine/catalogue.js'
import type { HostServed } from '../../store/figures/figures.js'
import { spanNames } from '../../store/figures/intervals.js'
import { compressed } from '../compression.js'
import { json } from '../reply.js'
import type { Route } from '../route.js'
import { chart, chartData } from './charts.js'
import { count, size } from './format.js'
import { html, type Html } from './html.js'
import type { Page } from './layout.js'
import { listTable } from './list.js'
import { live } from './live.js'
import { emptyCache } from './parts.js'
import type { PageContext } from './site.js'

export async function statisticsPage(context: PageContext): Promise<Page> {
  const { figures, catalogue } = context.services.engine
  const charts = await Promise.all(spanNames.map(async (span) => ({ span, past: await figures.history(span) })))
  const stored = await catalogue.hosts(context.request.role)
  return {
    title: 'Statistics',
    current: '/statistics/',
    refresh: 30,
    body: html`
      <section aria-labelledby="figures">
        <h2 id="figures" class="unseen">Since this cache was made</h2>
        ${live(context)('tiles')}
      </section>
      ${charts.map(
        ({ span, past }) =>
          html`<section aria-labelledby="${span}">
            <h2 id="${span}">The last ${span}</h2>
            ${chart(span, past)}
          </section>`,
      )}
      <div class="columns">
        <section aria-labelledby="kinds">
          <h2 id="kinds">Answers</h2>
          ${live(context)('kinds')}
        </section>
        <section aria-labelledby="hosts">
          <h2 id="hosts">Hosts</h2>
          ${hostTable(stored, await figures.hosts())}
        </section>
      </div>
    `,
  }
}

/** Number of hosts that are listed by name. */
const HOSTS_SHOWN = 20

function hostTable(stored: readonly HostFigures[], served: readonly HostServed[]): Html {
  const hosts = hostsByServed(stored, served)
  const more = hosts.length - HOSTS_SHOWN
  if (hosts.length === 0) return emptyCache
  return html`${listTable(
    'What was served and is stored of each host',
    [
      { title: 'Host', cell: ({ host }) => hostLink(host) },
      { title: 'Served', kind: 'number', cell: (of) => size(of.served) },
      { title: 'Stored', kind: 'number', cell: ({ bytes }) => size(bytes) },
      { title: 'Entries', kind: 'number', cell: ({ entries: n }) => count(n) },
      { title: 'Hits', kind: 'number', cell: ({ hits }) => count(hits) },
    ],
    hosts.slice(0, HOSTS_SHOWN),
  )}
  ${more > 0 && html`<p class="note after">and ${more} more hosts</p>`}`
}

/** Private artifacts are counted together, because other clients must not see their hosts. */
function hostLink(host: string): Html {
  if (host === '') return html`<span class="note">private artifacts</span>`
  return html`<a href="/resources/successes/?host=${encodeURIComponent(host)}"><bdi>${host}</bdi></a>`
}

/** The data of the charts. */
export const historyRoute: Route = {
  path: /^\/statistics\/(hour|day|month)\.json$/,
  guard: 'client',
  handlers: {
    GET: async (request, { engine }) => {
      const span = spanNames.find((name) => name === request.params[0]) ?? 'hour'
      return compressed(json(200, chartData(span, await engine.figures.history(span))), request)
    },
  },
}

/** The size of the entries of a host, and the bytes that were ever served of it. */
interface HostTraffic extends HostFigures {
  /** Bytes; forgotten for hosts without recent requests. */
  readonly served: number
}

/** Ordered by bytes served, largest first; includes hosts without entries. */
function hostsByServed(
  stored: readonly HostFigures[],
  served: readonly { readonly host: string; readonly served: number }[],
): HostTraffic[] {
  const hosts = new Map<string, HostTraffic>(stored.map((figures) => [figures.host, { ...figures, served: 0 }]))
  for (const { host, served: bytes } of served) {
    const { entries = 0, bytes: size = 0, hits = 0 } = hosts.get(host) ?? {}
    hosts.set(host, { host, entries, bytes: size, hits, served: bytes })
  }
  return [...hosts.values()].sort((a, b) => b.served - a.served || b.bytes - a.bytes || (a.host < b.host ? -1 : 1))
}
