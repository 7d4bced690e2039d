/** What pages are made with, and how a page becomes a route. */

import type { Reply } from '../reply.js'
import type { Incoming, Route, Services } from '../route.js'
import type { Snapshots } from '../snapshots.js'
import { pageReply, type Page } from './layout.js'
import type { View } from './view.js'

export interface Site {
  /** The address of a file that pages need. */
  readonly asset: (name: string) => string
  readonly snapshots: Snapshots
  /** Of 10^9 bytes. */
  readonly egressPrice: number | undefined
}

/** What a page is made of. */
export interface PageContext extends Site {
  readonly services: Services
  readonly request: Incoming
  readonly query: URLSearchParams
  readonly view: View
  /** Milliseconds since the epoch. */
  readonly now: number
}

export function pageRoute(
  site: Site,
  path: RegExp,
  make: (context: PageContext) => Page | Reply | Promise<Page | Reply>,
): Route {
  return {
    path,
    guard: 'client',
    handlers: {
      GET: async (request, services) => {
        const view = await site.snapshots.view(request.role)
        const query = new URLSearchParams(request.query)
        const page = await make({ ...site, services, request, query, view, now: services.now() })
        if ('headers' in page) return page
        const { asset } = site
        return pageReply(page, {
          asset,
          role: request.role,
          hasAdmin: services.access.hasAdmin,
          version: services.version,
        })
      },
    },
  }
}
