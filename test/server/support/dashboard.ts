/** A server whose cache holds what a lab's would, and entries that mean harm. */

import { totalsOf } from '#kiss/engine/totals.js'
import type { Clock } from '#kiss/clock.js'
import type {
  Catalogue,
  ClusterEngine,
  Download,
  EntryDetails,
  FailureRecord,
  PurgeFilter,
  PurgeResult,
} from '#kiss/engine/types.js'
import { openDashboard } from '#kiss/server/dashboard.js'
import { metricsRoute, ProcessMetrics } from '#kiss/server/metrics.js'
import { startServer, type RunningServer, type ServerOptions } from '#kiss/server/server.js'
import {
  type FigureName,
  figureNames,
  intervalsOf,
  type Sample,
  spans,
  type SpanName,
} from '#kiss/store/figures/intervals.js'
import type { Entry } from '#kiss/store/types.js'
import type { Price } from '#kiss/units.js'
import { memoryCatalogue } from './catalogue.js'
import { TestLog } from './servers.js'
import { sha256Of } from './stub-bodies.js'
import { emptyStatus, StubEngine } from './stub-engine.js'

const MINUTE = 60_000
const DAY = 1440 * MINUTE

/** The moment at which everything below is. */
export const now = Date.UTC(2026, 10, 20, 14, 30)

export const adminToken = 'only-for-admins'

/** What strangers may name their artifacts. */
export const hostileUrls = [
  `s3://bucket/"><script>document.title='pwned'</script>.img`,
  `s3://bucket/'onmouseover='alert(1)'/<img src=x onerror=alert(1)>`,
  'https://evil.example/%22%3E%3Cscript%3Ealert(1)%3C/script%3E?…',
  's3://bucket/\u202egpj.exe',
  `https://long.example/${'very-'.repeat(200)}long.tar.gz`,
  `https://deep.example/${'a/'.repeat(120)}b`,
  's3://bucket/</title></textarea></style><svg onload=alert(1)>',
  's3://bucket/{{constructor}}${1+1}`',
] as const

export const privateUrl = 'https://gitlab.example.com/secret-project/artifacts.zip'

function entry(url: string, n: number, over: Partial<Entry> = {}): Entry {
  const sha256 = sha256Of(Buffer.from(url))
  const storedAt = now - n * 97 * MINUTE
  return {
    id: sha256,
    url,
    sha256,
    size: 1_000_003 * ((n * 7919) % 1500) + 4711,
    headers: {},
    storedAt,
    validatedAt: storedAt,
    staleAt: storedAt + 10 * DAY,
    lifetime: 10 * DAY,
    lastUsedAt: now - n * 11 * MINUTE,
    hits: (n * 31) % 977,
    private: false,
    unverified: n % 17 === 3,
    ...over,
  }
}

const boards = ['qemu-arm64', 'dragonboard-845c', 'juno-r2', 'rock-pi-4b', 'x15', 'bcm2711-rpi-4-b']
const files = ['Image.gz', 'modules.tar.xz', 'rootfs.ext4.xz', 'initrd.cpio.gz', 'config', 'vmlinux.xz']

export const entries: readonly Entry[] = [
  ...Array.from({ length: 132 }, (_, n) =>
    entry(
      `https://storage.${n % 3 === 0 ? 'lkft.example.org' : 'kernelci.example.com'}/builds/${4000 + Math.floor(n / 6)}/${boards[n % 6] ?? ''}/${files[n % 6] ?? ''}`,
      n + 1,
    ),
  ),
  ...hostileUrls.map((url, n) => entry(url, n * 3, { staleAt: n % 2 === 0 ? now - 1 : now + DAY })),
  entry(privateUrl, 2, { private: true }),
]

const download = (url: string, over: Partial<Download>): Download => ({
  url,
  state: 'downloading',
  received: 0,
  length: undefined,
  readers: 1,
  startedAt: now - 20_000,
  private: false,
  ...over,
})

const MiB = 1024 * 1024

export const downloads: readonly Download[] = [
  download('https://storage.lkft.example.org/builds/4022/juno-r2/rootfs.ext4.xz', {
    received: 412 * MiB,
    length: 983 * MiB,
    readers: 38,
  }),
  download('https://storage.kernelci.example.com/next/Image.gz', { received: 11 * MiB, length: 12 * MiB, readers: 4 }),
  download('https://ci.example.net/job/77/artifact/out.tar', { received: 73 * MiB, readers: 1 }),
  download(hostileUrls[0], { received: 1, length: 9 }),
  download(privateUrl, { received: 5, length: 50, private: true }),
  download('https://storage.lkft.example.org/builds/4022/x15/vmlinux.xz', {
    state: 'scheduled',
    place: 1,
    readers: 2,
  }),
  download('https://slow.example.com/first-byte.img', { state: 'scheduled', readers: 1 }),
]

const failure = (
  url: string,
  minutes: number,
  code: string,
  message: string,
  over: Partial<FailureRecord> = {},
): FailureRecord => ({
  url,
  at: now - minutes * MINUTE,
  code,
  message,
  private: false,
  ...over,
})

export const failures: readonly FailureRecord[] = [
  failure(
    'https://storage.lkft.example.org/builds/9999/Image',
    2,
    'origin-refused',
    'cannot fetch https://storage.lkft.example.org/builds/9999/Image: the origin answered 404',
    { status: 404, client: '10.0.3.7', retryAt: now - 110_000 },
  ),
  ...[7, 12].map((minutes) =>
    failure(
      'https://storage.lkft.example.org/builds/9999/Image',
      minutes,
      'origin-refused',
      'cannot fetch https://storage.lkft.example.org/builds/9999/Image: the origin answered 404',
      { status: 404, client: `10.0.3.${minutes}` },
    ),
  ),
  failure(
    'https://down.example.com/rootfs.img',
    41,
    'origin-unreachable',
    'cannot fetch https://down.example.com/rootfs.img: connection refused six times in 41 s; retry later',
    { status: 502, client: '2001:db8::17', retryAt: now + 8_000 },
  ),
  failure(hostileUrls[1], 77, 'origin-failed', `<script>alert('reason')</script>\u202e is what it said`),
  failure('https://gitlab.example.com/secret-project/log.txt', 90, 'origin-refused', 'the origin answered 401', {
    private: true,
    status: 401,
  }),
]

export const noAmounts = Object.fromEntries(figureNames.map((name) => [name, 0])) as Record<FigureName, number>

/** A past with days and nights. */
function samples(span: SpanName): Sample[] {
  const { step, length } = spans[span]
  let sums = noAmounts
  const last = Math.floor(now / step) * step
  const count = Math.floor((length / step) * 0.9)
  return Array.from({ length: count }, (_, i) => {
    const at = last - (count - 1 - i) * step
    const busy = (1.2 + Math.sin(at / (span === 'hour' ? 4e5 : 14e6)) + Math.sin(i * 12.9898) * 0.2) * step
    const idle = span === 'day' && i % 288 > 150 && i % 288 < 190
    const downloaded = idle ? 0 : Math.round(busy * 90 * (i % 9 === 0 ? 3 : 1))
    const joined = idle ? 0 : Math.round(busy * 300 * (1 + Math.sin(i / 7)))
    const hit = idle ? 0 : Math.round(busy * 1800)
    const answered = idle ? 0 : Math.round(busy / 50)
    const added: Partial<Record<FigureName, number>> = {
      downloaded,
      served: hit + joined + downloaded,
      served_hit: hit,
      served_collapsed: joined,
      served_miss: downloaded,
      answered,
      hits: Math.round(answered * (0.9 + 0.08 * Math.sin(i / 5))),
    }
    const before = sums
    sums = Object.fromEntries(figureNames.map((name) => [name, before[name] + (added[name] ?? 0)])) as typeof sums
    return { at, ...sums }
  })
}

/** A node that drains, and one that nobody has heard of for hours; Redis is away. */
export const labCluster: ClusterEngine = {
  tokens: [],
  lend: () => Promise.resolve('not here'),
  copy: () => Promise.reject(new Error('there is no other node')),
  purge: () => Promise.reject(new Error('there is no other node')),
  drain: () => undefined,
  reachable: () => false,
  nodes: () => [
    { instance: 'gone', url: 'http://<b>node3', present: false, seenAt: now - 2 * 60 * MINUTE },
    {
      ...{ instance: 'other', url: 'http://node2.example.com:8001', version: '1.2.4', draining: true },
      ...{ present: true, seenAt: now - 1_000, totals: totalsOf(emptyStatus) },
    },
    {
      ...{ instance: 'lab', url: 'http://node1.example.com:8001', version: '1.2.3', draining: false },
      ...{ present: true, seenAt: now },
      totals: {
        ...totalsOf(emptyStatus),
        downloading: 2,
        counts: { ...emptyStatus.counts, filled: 3 * 1024 * MiB, lent: 7 * 1024 * MiB },
      },
    },
  ],
}

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
