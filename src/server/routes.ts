/** The table of routes; a new page is a new file and one line here. */

import { entriesRoute } from './entries.js'
import { fetchRoute } from './fetch.js'
import { healthRoute } from './health.js'
import { indexRoute } from './index-page.js'
import type { Route } from './route.js'
import { statusRoute } from './status.js'

export const routes: readonly Route[] = [fetchRoute, statusRoute, healthRoute, entriesRoute, indexRoute]
