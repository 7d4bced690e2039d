/** The page for an unknown address. Programs get the problem as JSON. */

import { problemReply } from '../problem.js'
import type { Reply } from '../reply.js'
import { html } from './html.js'
import type { Page } from './layout.js'
import { wantsPage } from '../incoming.js'
import type { PageContext } from './site.js'

/** Handles every path that is not an endpoint for programs. */
export const pagePath = /^\/(?!api\/|assets\/|metrics$|events$|[^?]*\.json$)/

/** The entry does not exist, or this role may not see it. */
export const missingEntry: Page = {
  status: 404,
  title: 'No such entry',
  current: '/resources/successes/',
  body: html`<p>The cache has no such entry: it was purged, evicted or replaced.</p>
    <p><a href="/resources/successes/">All entries</a></p>`,
}

export function missingPage({ request }: PageContext): Page | Reply {
  const detail = `there is nothing at ${request.path.slice(0, 200)}`
  if (!wantsPage(request)) return problemReply({ status: 404, code: 'not-found', detail })
  return {
    status: 404,
    title: 'No such page',
    current: '',
    body: html`<p>This server has no page at <code>${request.path.slice(0, 200)}</code>.</p>
      <p><a href="/">Overview</a>, <a href="/resources/successes/">entries</a>, <a href="/help/">help</a></p>`,
  }
}
