/** The dashboard of one server: its pages, its live view, and the history that its charts show. */

import { Assets } from './assets/assets.js'
import {
  pinEntry,
  pinPath,
  purgeEntry,
  purgeMany,
  purgeManyPage,
  purgeManyPath,
  purgePath,
  refreshEntry,
  refreshPath,
  unpinEntry,
  unpinPath,
} from './pages/actions.js'
import { entryPage, entryPagePath } from './pages/entry.js'
import type { Clock } from '../clock.js'
import type { Engine } from '../engine/types.js'
import { eventsRoute, LiveEvents } from './events.js'
import { helpPage } from './pages/help.js'
import { missingPage, pagePath } from './pages/missing.js'
import { nodesPage, nodesPath } from './pages/nodes.js'
import { overviewPage } from './pages/overview.js'
import { listPath, resourcesPage } from './pages/resources.js'
import { signInPage, signInPath } from './pages/sign-in.js'
import { formRoute, pageRoute, type Site } from './pages/site.js'
import { historyRoute, statisticsPage } from './pages/statistics.js'
import type { Route } from './route.js'
import type { Price } from '../units.js'
import { Snapshots } from './snapshots.js'

export interface DashboardOptions {
  readonly engine: Engine
  readonly clock: Clock
  /** The price of bytes from the origins; undefined: no amounts of money are shown. */
  readonly egressPrice?: Price | undefined
}

export interface Dashboard {
  /** For the server's table. */
  readonly routes: readonly Route[]
  /** Ends the live view. */
  close(): void
}

export async function openDashboard({ engine, clock, egressPrice }: DashboardOptions): Promise<Dashboard> {
  const assets = await Assets.read()
  const snapshots = new Snapshots(engine, () => clock.now())
  const events = new LiveEvents({ snapshots, egressPrice, sleep: (ms, signal) => clock.sleep(ms, signal) })
  const site: Site = { asset: assets.path, snapshots, egressPrice }
  return {
    routes: [
      pageRoute(site, /^\/$/, overviewPage),
      pageRoute(site, /^\/statistics\/?$/, statisticsPage),
      pageRoute(site, listPath, resourcesPage),
      pageRoute(site, entryPagePath, entryPage),
      formRoute(site, refreshPath, { act: refreshEntry }),
      formRoute(site, pinPath, { act: pinEntry }),
      formRoute(site, unpinPath, { act: unpinEntry }),
      formRoute(site, purgePath, { act: purgeEntry }),
      formRoute(site, purgeManyPath, { page: purgeManyPage, act: purgeMany }),
      pageRoute(site, nodesPath, nodesPage),
      pageRoute(site, /^\/help\/?$/, helpPage),
      historyRoute,
      eventsRoute(events),
      pageRoute(site, signInPath, signInPage),
      assets.route,
      pageRoute(site, pagePath, missingPage),
    ],
    close: () => events.close(),
  }
}
