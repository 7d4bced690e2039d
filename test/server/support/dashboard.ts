/** A server whose cache holds what a lab's would. */
import type { Clock } from '#kiss/clock.js'
import type { Catalogue, ClusterEngine, EntryDetails, PurgeFilter, PurgeResult } from '#kiss/engine/types.js'
import { openDashboard } from '#kiss/server/dashboard.js'
import { metricsRoute, ProcessMetrics } from '#kiss/server/metrics.js'
import { startServer, type RunningServer, type ServerOptions } from '#kiss/server/server.js'
import { intervalsOf, spans } from '#kiss/store/figures/intervals.js'
import type { Entry } from '#kiss/store/types.js'
import type { Price } from '#kiss/units.js'
import { memoryCatalogue } from './catalogue.js'
import { TestLog } from './servers.js'
import { emptyStatus, StubEngine } from './stub-engine.js'
import { DAY, now, adminToken, entries, downloads, failures, samples } from './dashboard-contents.js'

export class LabEngine extends StubEngine {
  cluster: ClusterEngine | undefined
  entries: readonly Entry[] = entries

  constructor() {
    super()
    const TB = 1e12
    this.state = {
      ...emptyStatus,
      counts: {
        ...emptyStatus.counts,
        downloaded: 32.4 * TB,
        served_hit: 1480 * TB,
        served_collapsed: 121 * TB,
        served_miss: 31 * TB,
        served_revalidated: 12 * TB,
        served_stale: 0.4 * TB,
        requests: 9_481_204,
        requests_hit: 8_903_117,
        requests_collapsed: 401_772,
        requests_miss: 132_001,
        requests_revalidated: 40_231,
        requests_stale: 812,
        requests_failed: 3271,
        successes: 131_877,
        failures: 124,
      },
      usage: { blobs: 361e9, reserved: 2e9, logical: 361e9 },
      quota: 500e9,
      entries: this.entries.length,
      downloads,
      failures,
      instance: 'lab',
    }
    this.figures.hosts = async () => [
      { host: 'storage.lkft.example.org', served: 900 * TB },
      { host: 'gone.example.net', served: 500 * TB },
      { host: 'storage.kernelci.example.com', served: 90 * TB },
      { host: '', served: 2 * TB },
    ]
    this.figures.history = async (span) => intervalsOf(samples(span), spans[span], now)
  }

  override get catalogue(): Catalogue {
    return memoryCatalogue(() => this.entries, now)
  }

  override async entry(id: string): Promise<EntryDetails | undefined> {
    const entry = this.entries.find((one) => one.id.startsWith(id))
    if (entry === undefined) return undefined
    const sharing = this.entries.filter((one) => one.sha256 === entry.sha256 && one !== entry)
    const today = Math.floor(now / DAY)
    const hitsByDay = new Map(Array.from({ length: 25 }, (_, i) => [today - i, (i * 7919) % 61]))
    return { entry, sharing, sharedByMore: false, hitsByDay }
  }

  override async purge(filter: PurgeFilter): Promise<PurgeResult> {
    await super.purge(filter)
    const { dryRun = false } = filter
    const meant = this.entries.filter(({ id }) => filter.ids?.includes(id) === true)
    if (!dryRun) this.entries = this.entries.filter((entry) => !meant.includes(entry))
    return { removed: meant.length, bytes: meant.reduce((sum, { size }) => sum + size, 0), dryRun }
  }

  override async *list(): AsyncIterable<Entry> {
    yield* this.entries
  }
}

export interface Lab extends RunningServer {
  readonly engine: LabEngine
  readonly records: TestLog
  /** Lets the live view look once more. */
  tick(): void
}

/** Time stands still, and who sleeps wakes when the test says so. */
class TickingClock implements Clock {
  #ticks = 0
  #sleeping: (() => void)[] = []

  readonly now = (): number => now
  readonly monotonic = (): number => now

  tick(): void {
    if (this.#sleeping.length === 0) this.#ticks++
    for (const wake of this.#sleeping.splice(0)) wake()
  }

  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(new Error('the server closes')))
      if (this.#ticks === 0) this.#sleeping.push(resolve)
      else {
        this.#ticks--
        resolve()
      }
    })
  }
}

/** Call in a `describe`: what it starts is closed after each test. */
export function labs(): (options?: Partial<ServerOptions> & { readonly egressPrice?: Price }) => Promise<Lab> {
  const closings: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closings.splice(0)) await close()
  })
  return async (options = {}) => {
    const lab = await startLab(options)
    closings.push(() => lab.close())
    return lab
  }
}

export async function startLab({
  egressPrice,
  ...options
}: Partial<ServerOptions> & { readonly egressPrice?: Price } = {}): Promise<Lab> {
  const engine = new LabEngine()
  const records = new TestLog()
  const clock = new TickingClock()
  const dashboard = await openDashboard({ engine, clock, egressPrice })
  const server = await startServer({
    engine,
    log: records,
    host: '127.0.0.1',
    port: 0,
    version: '1.2.3',
    now: () => now,
    access: { adminTokens: [adminToken] },
    routes: [...dashboard.routes, metricsRoute(new ProcessMetrics())],
    ...options,
  })
  return {
    engine,
    records,
    url: server.url,
    port: server.port,
    self: server.self,
    get readers() {
      return server.readers
    },
    drain: () => server.drain(),
    updateTls: (material) => server.updateTls(material),
    updateAccess: (next) => server.updateAccess(next),
    tick: () => clock.tick(),
    async close() {
      dashboard.close()
      await server.close()
    },
  }
}
