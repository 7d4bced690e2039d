/** The table of routes, and the two smallest of them. A new page is a new file and one line here. */

import { entriesRoute } from './entries.js'
import { fetchRoute } from './fetch.js'
import type { Incoming, Route } from './route.js'
import { statusRoute } from './status.js'
import { text } from './reply.js'

/** Does this server take requests? For load balancers, containers and systemd. */
const healthRoute: Route = {
  path: /^\/api\/v1\/health\/?$/,
  guard: 'open',
  anyHost: true,
  handlers: { GET: () => text(200, 'ok') },
  refuseWhileDraining: true,
}

/** The front page in plain text: how to request an artifact. */
function index({ base }: Incoming): string {
  return [
    'kiss, a cache for CI artifacts',
    '',
    `fetch   ${base}api/v1/fetch?url=<percent-encoded URL>`,
    `status  ${base}api/v1/status/`,
    `health  ${base}api/v1/health/`,
    '',
  ].join('\n')
}

const indexRoute: Route = {
  path: /^\/$/,
  guard: 'client',
  handlers: { GET: (request) => text(200, index(request)) },
}

export const routes: readonly Route[] = [fetchRoute, statusRoute, healthRoute, entriesRoute, indexRoute]
