/** Everything by which a server is watched: its dashboard, its metrics, and the past that both show. */

import { DROPPED_LINES } from './metric-table.js'
import { openDashboard, type DashboardOptions } from './dashboard.js'
import { noteDuration } from './durations.js'
import { metricsRoute, ProcessMetrics } from './metrics.js'
import type { ServerLog } from './request-log.js'
import type { Route } from './route.js'

export interface ObservationOptions extends DashboardOptions {
  readonly log: ServerLog & { readonly dropped: number }
}

export interface Observation {
  /** For the server: the log that was given, and what is counted of each request beside it. */
  readonly log: ServerLog
  readonly routes: readonly Route[]
  /** Says the last figures of this process, and ends the live view. */
  close(): Promise<void>
}

/** Milliseconds between two looks: as fine as the finest history. */
const INTERVAL = 10_000

export async function openObservation(options: ObservationOptions): Promise<Observation> {
  const { engine, clock, log } = options
  const { figures } = engine
  const dashboard = await openDashboard(options)
  const own = new ProcessMetrics()
  const stop = new AbortController()
  let dropped = 0

  async function look(): Promise<void> {
    figures.add(DROPPED_LINES, log.dropped - dropped)
    dropped = log.dropped
    await figures.note()
    await figures.tell(await own.read())
  }

  /** The first look after the beginning of each interval, so that all workers mean the same one. */
  async function watch(): Promise<void> {
    let failing = false
    while (!stop.signal.aborted) {
      try {
        await look()
        failing = false
      } catch (error) {
        // Serving goes on without a past.
        if (!failing) log.error('the history cannot be written', error)
        failing = true
      }
      await clock.sleep(INTERVAL - (clock.now() % INTERVAL), stop.signal)
    }
  }

  // Sleeping ends with the abort of `stop`; nothing else throws.
  const watching = watch().catch(() => undefined)
  return {
    log: {
      log(record) {
        log.log(record)
        noteDuration(figures, record)
      },
      info: (message) => log.info(message),
      warn: (message) => log.warn(message),
      error: (message, error) => log.error(message, error),
    },
    routes: [...dashboard.routes, metricsRoute(own)],
    async close() {
      dashboard.close()
      stop.abort()
      await watching
      // The index may be gone by now; the next process finds out that this one is silent.
      await figures.leave().catch(() => undefined)
    },
  }
}
