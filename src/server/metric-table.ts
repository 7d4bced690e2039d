/** Every metric of kiss, once: name, meaning, and where its value comes from. Pure. */

import type { ClusterEngine, EngineStatus } from '../engine/types.js'
import type { Counts } from '../store/types.js'
import { durationBounds, type Histogram, histogramsOf, responsesOf } from './durations.js'
import { servedKinds } from '../store/types.js'
import { downloadedFrom, segmentsInFlight, sourceKinds } from './totals.js'

export interface MetricInput {
  readonly status: EngineStatus
  readonly sums: ReadonlyMap<string, number>
  readonly version: string
  /** undefined: a single machine. */
  readonly cluster?: Pick<ClusterEngine, 'nodes' | 'reachable'> | undefined
}

export interface MetricValue {
  readonly value: number
  readonly labels: Readonly<Record<string, string | number>>
  /** A name that differs from that of the metric: the parts of a histogram. */
  readonly metricName?: string
}

export interface MetricRow {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly values: (input: MetricInput) => readonly MetricValue[]
}

/** The name of the sum of dropped log lines. */
export const DROPPED_LINES = 'log_lines_dropped'

const one = (value: number): MetricValue[] => [{ value, labels: {} }]
const ofCounts =
  (read: (counts: Counts) => readonly MetricValue[]): MetricRow['values'] =>
  ({ status }) =>
    read(status.counts)

const durations = 'kiss_http_request_duration_seconds'

export const metricTable: readonly MetricRow[] = [
  {
    name: 'kiss_build_info',
    type: 'gauge',
    help: 'Always 1; the version is a label.',
    values: ({ version }) => [{ value: 1, labels: { version } }],
  },
  {
    name: 'kiss_downloaded_bytes_total',
    type: 'counter',
    help: 'Body bytes that arrived over the network, those of failed attempts included.',
    values: ofCounts((counts) => one(counts.downloaded)),
  },
  {
    name: 'kiss_source_bytes_total',
    type: 'counter',
    help: 'The downloaded bytes by the kind of source that sent them.',
    values: ofCounts((counts) => {
      const from = downloadedFrom(counts)
      return sourceKinds.map((source) => ({ value: from[source], labels: { source } }))
    }),
  },
  {
    name: 'kiss_segments_in_flight',
    type: 'gauge',
    help: 'Connections that bring ranges of one download in parallel.',
    values: ({ status }) => one(segmentsInFlight(status.downloads)),
  },
  {
    name: 'kiss_peer_bytes_total',
    type: 'counter',
    help: 'Body bytes between this node and the others of its cluster; neither downloaded nor served.',
    values: ofCounts(({ filled, lent }) => [
      { value: filled, labels: { direction: 'filled' } },
      { value: lent, labels: { direction: 'lent' } },
    ]),
  },
  {
    name: 'kiss_cluster_redis_up',
    type: 'gauge',
    help: 'Of a node in a cluster: 1 while Redis answers it, else 0.',
    values: ({ cluster }) => (cluster ? one(cluster.reachable() ? 1 : 0) : []),
  },
  {
    name: 'kiss_cluster_nodes',
    type: 'gauge',
    help: 'Nodes of the cluster that this node knows, by state.',
    values: ({ cluster }) => (cluster ? nodeValues(cluster) : []),
  },
  {
    name: 'kiss_served_bytes_total',
    type: 'counter',
    help: 'Body bytes sent to clients, by how they were served.',
    values: ofCounts((counts) => servedKinds.map((as) => ({ value: counts[`served_${as}`], labels: { as } }))),
  },
  {
    name: 'kiss_served_aborted_bytes_total',
    type: 'counter',
    help: 'Of the bytes served, those sent to clients that left, or were cut short, before the end.',
    values: ofCounts((counts) => one(counts.served_aborted)),
  },
  {
    name: 'kiss_requests_total',
    type: 'counter',
    help: 'Requests for artifacts, by how they were answered; failed: an error before the first byte.',
    values: ofCounts((counts) =>
      [...servedKinds, 'failed' as const].map((as) => ({ value: counts[`requests_${as}`], labels: { as } })),
    ),
  },
  {
    name: 'kiss_downloads_total',
    type: 'counter',
    help: 'Downloads that have ended: whole, or failed for good.',
    values: ofCounts(({ successes, failures }) => [
      { value: successes, labels: { outcome: 'success' } },
      { value: failures, labels: { outcome: 'failure' } },
    ]),
  },
  {
    name: 'kiss_downloads_in_flight',
    type: 'gauge',
    help: 'Downloads that run, and those that wait for their turn.',
    values: ({ status: { downloads } }) =>
      (['downloading', 'scheduled'] as const).map((state) => ({
        value: downloads.filter((download) => download.state === state).length,
        labels: { state },
      })),
  },
  {
    name: 'kiss_cache_usage_bytes',
    type: 'gauge',
    help: 'Bytes of stored bodies.',
    values: ({ status }) => one(status.usage.blobs),
  },
  {
    name: 'kiss_cache_reserved_bytes',
    type: 'gauge',
    help: 'Bytes set aside for downloads in flight.',
    values: ({ status }) => one(status.usage.reserved),
  },
  {
    name: 'kiss_cache_quota_bytes',
    type: 'gauge',
    help: 'Bytes that stored bodies and downloads may take together; absent without a quota.',
    values: ({ status: { quota } }) => (quota === undefined ? [] : one(quota)),
  },
  {
    name: 'kiss_entries',
    type: 'gauge',
    help: 'Entries in the cache.',
    values: ({ status }) => one(status.entries),
  },
  {
    name: 'kiss_log_lines_dropped_total',
    type: 'counter',
    help: 'Log lines that were dropped because they could not be written in time.',
    values: ({ sums }) => one(sums.get(DROPPED_LINES) ?? 0),
  },
  {
    name: 'kiss_http_responses_total',
    type: 'counter',
    help: 'Answers by route and class of status.',
    values: ({ sums }) => responsesOf(sums).map(({ count, ...labels }) => ({ value: count, labels })),
  },
  {
    name: durations,
    type: 'histogram',
    help: 'From a request to the end of its answer, by route and by how the cache answered.',
    values: ({ sums }) => histogramsOf(sums).flatMap(histogramValues),
  },
]

function nodeValues({ nodes }: Pick<ClusterEngine, 'nodes'>): MetricValue[] {
  const states = nodes().map(({ present, draining }) => (!present ? 'absent' : draining ? 'draining' : 'serving'))
  return (['serving', 'draining', 'absent'] as const).map((state) => ({
    value: states.filter((each) => each === state).length,
    labels: { state },
  }))
}

function histogramValues({ labels: own, buckets, sum, count }: Histogram): MetricValue[] {
  const labels = { ...own }
  return [
    ...durationBounds.map((le, i) => ({
      value: buckets[i] ?? 0,
      labels: { le, ...labels },
      metricName: `${durations}_bucket`,
    })),
    { value: count, labels: { le: '+Inf', ...labels }, metricName: `${durations}_bucket` },
    { value: sum, labels, metricName: `${durations}_sum` },
    { value: count, labels, metricName: `${durations}_count` },
  ]
}
