/** The observation of a server: its dashboard, its metrics, and the history that both show. */

import { DROPPED_LINES } from './metric-table.js'
import { openDashboard, type DashboardOptions } from './dashboard.js'
import { durationNotes, noteDuration } from './durations.js'
import { metricsRoute, ProcessMetrics } from './metrics.js'
import type { ServerLog } from './request-log.js'
import type { Route } from './route.js'

export interface ObservationOptions extends DashboardOptions {
  readonly log: ServerLog & { readonly dropped: number }
}

export interface Observation {
  /** The log for the server: it writes to the given log and counts each request. */
  readonly log: ServerLog
  readonly routes: readonly Route[]
  /** Writes the last figures of this process and ends the live view. */
  close(): Promise<void>
}

/** Milliseconds between two samples: the finest resolution of the history. */
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

  /** The first sample of each interval, so that all workers use the same intervals. */
  async function watch(): Promise<void> {
    let failing = false
    while (!stop.signal.aborted) {
      try {
        await look()
        failing = false
      } catch (error) {
        // Serving continues without a history.
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
      logEqual(record) {
        const write = log.logEqual(record)
        const note = durationNotes(figures, record)
        return (own) => {
          write(own)
          note(own.duration)
        }
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
      // The index may be removed already; the next process detects that this one is silent.
      await figures.leave().catch(() => undefined)
    },
  }
}
