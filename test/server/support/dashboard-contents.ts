/** What the dashboard of a lab shows, entries that mean harm among it. */
import { totalsOf } from '#kiss/engine/totals.js'
import type { ClusterEngine, Download, FailureRecord } from '#kiss/engine/types.js'
import { type FigureName, figureNames, type Sample, spans, type SpanName } from '#kiss/store/figures/intervals.js'
import type { Entry } from '#kiss/store/types.js'
import { sha256Of } from './stub-bodies.js'
import { emptyStatus } from './stub-engine.js'

const MINUTE = 60_000
export const DAY = 1440 * MINUTE

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
export function samples(span: SpanName): Sample[] {
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
