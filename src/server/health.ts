/** The health page: is this server taking requests? For load balancers, containers and systemd. */

import { text } from './reply.js'
import type { Route } from './route.js'

export const healthRoute: Route = {
  path: /^\/api\/v1\/health\/?$/,
  guard: 'open',
  anyHost: true,
  handlers: { GET: () => text(200, 'ok') },
  refuseWhileDraining: true,
}
