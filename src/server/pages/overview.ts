/** The first page: the current state of the cache, and how to use it. */

import { chart } from './charts.js'
import { html } from './html.js'
import { kissUrlForm } from './kiss-url.js'
import type { Page } from './layout.js'
import { live } from './live.js'
import { emptyCache } from './parts.js'
import type { PageContext } from './site.js'

export async function overviewPage(context: PageContext): Promise<Page> {
  const { request, query, view, services } = context
  const part = live(context)
  const { entries } = view.status
  return {
    title: 'Overview',
    current: '/',
    // Long enough for the user to type a URL.
    refresh: 60,
    body: html`
      <section aria-labelledby="convert">
        <h2 id="convert" class="unseen">Ask the cache for an artifact</h2>
        ${kissUrlForm(request.base, query.get('url') ?? '')} ${entries === 0 && emptyCache}
      </section>
      <section aria-labelledby="figures">
        <h2 id="figures" class="unseen">Since this cache was made</h2>
        ${part('tiles')}
      </section>
      <section aria-labelledby="space">
        <h2 id="space">Space</h2>
        ${part('quota')}
      </section>
      <section aria-labelledby="flights">
        <h2 id="flights">Downloads in flight</h2>
        ${part('downloading')}
      </section>
      <section aria-labelledby="last-hour">
        <h2 id="last-hour">The last hour</h2>
        ${chart('hour', await services.engine.figures.history('hour'))}
      </section>
      <section aria-labelledby="failed">
        <h2 id="failed">Latest failures</h2>
        ${part('failures')}
      </section>
    `,
  }
}
