/** Views of the engine, computed once for all requests of a moment. */

import type { Engine, EngineStatus, Download } from '../engine/types.js'
import { type Role, type View, viewFor, type Flight } from './pages/view.js'

/** Calls `work` again only when the last call has ended; callers meanwhile get its outcome. */
export function together<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () =>
    (running ??= work().finally(() => {
      running = undefined
    }))
}

/** A moment, for each role. */
export interface Moment {
  readonly status: EngineStatus
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly view: (role: Role) => View
}

/** Milliseconds between two samples of a rate. */
const SHORTEST = 900

export class Snapshots {
  /** Oldest first, over twice the window of a rate. */
  #looks: Look[] = []
  /** The state now. */
  readonly moment: () => Promise<Moment>

  constructor(engine: Pick<Engine, 'status'>, now: () => number) {
    this.moment = together(async () => this.#momentOf(await engine.status(), now()))
  }

  async view(role: Role): Promise<View> {
    return (await this.moment()).view(role)
  }

  #momentOf(status: EngineStatus, at: number): Moment {
    const look = { at, downloads: status.downloads }
    // A look in the future was taken before the clock was set back.
    this.#looks = this.#looks.filter((earlier) => earlier.at <= at && earlier.at > at - 2 * RATE_WINDOW)
    const oldest = this.#looks.find((earlier) => earlier.at <= at - SHORTEST)
    const before = this.#looks.findLast((earlier) => earlier.at <= at - RATE_WINDOW) ?? oldest
    const flights = flightsOf(look, before)
    const last = this.#looks.at(-1)
    if (last === undefined || at - last.at >= SHORTEST) this.#looks.push(look)
    return { status, now: at, view: (role) => viewFor(role, status, flights) }
  }
}

export interface Look {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly downloads: readonly Download[]
}

/** Milliseconds over which a rate is measured: long enough for a steady value, short enough to show a stall. */
const RATE_WINDOW = 5_000

/** Identifies a download by URL and start, because two downloads of one URL start at different times. */
const keyOf = ({ url, startedAt }: Download): string => `${startedAt} ${url}`

/** @param before an earlier sample; the rate of a newer download is measured from its start */
export function flightsOf(now: Look, before: Look | undefined): Flight[] {
  const earlier = new Map(before?.downloads.map((download) => [keyOf(download), download.received]))
  return now.downloads.map((download) => {
    const known = earlier.get(keyOf(download))
    const since = known === undefined || before === undefined ? download.startedAt : before.at
    const seconds = (now.at - since) / 1000
    const bytes = download.received - (known ?? 0)
    return { ...download, rate: seconds > 0 ? Math.max(0, bytes / seconds) : 0 }
  })
}
