/** The status page as JSON: the keys of KissCache, so that its monitoring continues to work, and further keys. */

import { sumOf, totalsOf } from '../engine/totals.js'
import type { EngineStatus, Totals } from '../engine/types.js'
import { counterNames } from '../store/types.js'
import { statusFor, totalsFor } from './pages/view.js'
import { json, type Reply } from './reply.js'
import type { Incoming, Route, Services } from './route.js'
import { answeredRequests, downloadedFrom, ratioOf, servedBytes } from './totals.js'

export interface StatusContext {
  /** What `instance` shows: on a server its own URL, as in KissCache. */
  readonly instance: string
  readonly version: string
  /** The id of the node that answers. */
  readonly cacheId: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** A key of the status document: name → meaning → value. */
type Row = readonly [key: string, meaning: string, value: (totals: Totals, context: StatusContext) => unknown]

const rows: readonly Row[] = [
  // KissCache's.
  ['timestamp', 'when this was said, ISO 8601', (_, { now }) => new Date(now).toISOString()],
  [
    'disk_usage',
    'bytes of stored bodies; for all but the administrator a body counts once for each entry',
    ({ usage }) => usage.blobs,
  ],
  ['disk_quota', 'bytes that bodies may take; 0: no quota', ({ quota }) => quota ?? 0],
  ['disk_usage_percent', 'of the quota, rounded; 0 without a quota', percent],
  ['instance', 'the URL of this server; for `kiss stats` the cache directory', (_, { instance }) => instance],
  ['resources_scheduled', 'downloads that wait for their turn', ({ scheduled }) => scheduled],
  ['resources_downloading', 'downloads in flight', ({ downloading }) => downloading],
  ['resources_successes', 'entries in the store', ({ entries }) => entries],
  ['resources_failures', 'failures that are remembered for the dashboard', ({ failures }) => failures],
  ['resources_usage', 'requests that were answered with an artifact', ({ counts }) => answeredRequests(counts)],
  ['statistics_successes', 'downloads that ended with a stored body', ({ counts }) => counts.successes],
  ['statistics_failures', 'downloads that failed for good', ({ counts }) => counts.failures],
  [
    'statistics_download',
    'body bytes that arrived from origins, mirrors and parents',
    ({ counts }) => counts.downloaded,
  ],
  ['statistics_upload', 'body bytes sent to clients', ({ counts }) => servedBytes(counts)],
  ['statistics_requests', 'requests of the fetch endpoint', ({ counts }) => counts.requests],
  ['version', 'of kiss', (_, { version }) => version],
  // Further keys.
  ['cache_id', 'identifies the cache directory', (_, { cacheId }) => cacheId],
  [
    'downloaded_from',
    'of those body bytes, how many came from the origin, a mirror and a parent',
    ({ counts }) => downloadedFrom(counts),
  ],
  ['segments_in_flight', 'connections that bring ranges of one download in parallel', ({ segments }) => segments],
  ['ratio', 'bytes sent per byte downloaded; null while nothing was downloaded', ratio],
  ['disk_logical', 'the same with a body counted once for each entry that names it', ({ usage }) => usage.logical],
  [
    'disk_pinned',
    'bytes of pinned entries, which the quota does not evict; part of disk_logical',
    ({ pinned }) => pinned.bytes,
  ],
  ['disk_reserved', 'bytes set aside for downloads in flight', ({ usage }) => usage.reserved],
  ['counters', 'each counter by its name', ({ counts }) => Object.fromEntries(counterNames.map((n) => [n, counts[n]]))],
]

/** The keys of the document with their meanings, for the documentation. */
export const statusKeys: readonly { readonly key: string; readonly meaning: string }[] = rows.map(([key, meaning]) => ({
  key,
  meaning,
}))

/** Pure; for the server and for `kiss stats --json`. @param others the other nodes of a cluster, which are added up */
export function statusDocument(
  status: EngineStatus,
  context: Omit<StatusContext, 'cacheId'>,
  others: readonly Totals[] = [],
): Record<string, unknown> {
  const totals = sumOf(totalsOf(status), ...others)
  const all = { ...context, cacheId: status.instance }
  return Object.fromEntries(rows.map(([key, , value]) => [key, value(totals, all)]))
}

function ratio({ counts }: Totals): number | null {
  const exact = ratioOf(counts)
  return exact === undefined ? null : Math.round(exact * 1000) / 1000
}

function percent({ counted, quota }: Totals): number {
  return quota === undefined || quota === 0 ? 0 : Math.round((counted / quota) * 100)
}

async function answer(request: Incoming, { engine, now, version }: Services): Promise<Reply> {
  const status = await engine.status()
  const others = (engine.cluster?.nodes() ?? []).flatMap(({ instance, present, totals }) =>
    present && instance !== status.instance && totals ? [totalsFor(request.role, totals)] : [],
  )
  const context = { instance: request.base, version, now: now() }
  return json(200, statusDocument(statusFor(request.role, status), context, others))
}

export const statusRoute: Route = {
  path: /^\/api\/v1\/status\/?$/,
  guard: 'client',
  handlers: { GET: answer },
}
