/** The front page in plain text: how to request an artifact. */

import { text } from './reply.js'
import type { Incoming, Route } from './route.js'

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

export const indexRoute: Route = {
  path: /^\/$/,
  guard: 'client',
  handlers: { GET: (request) => text(200, index(request)) },
}
