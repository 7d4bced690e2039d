/** `/metrics` for Prometheus: the counters of the cache and the figures of its processes, over all workers. */

import {
  AggregatorRegistry,
  collectDefaultMetrics,
  type MetricObjectWithValues,
  type MetricValue as PromValue,
  Registry,
} from 'prom-client'
import type { Engine } from '../engine/types.js'
import { metricTable } from './metric-table.js'
import { statusFor, type Role } from './pages/view.js'
import type { Route } from './route.js'

type MetricObject = MetricObjectWithValues<PromValue<string>>

/** Of prom-client's own those with standard names and units, which can be added up over processes. */
const processMetrics: ReadonlySet<string> = new Set([
  'process_cpu_user_seconds_total',
  'process_cpu_system_seconds_total',
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
  'process_open_fds',
  'process_max_fds',
  'nodejs_eventloop_lag_p99_seconds',
  'nodejs_heap_size_used_bytes',
  'nodejs_heap_size_total_bytes',
  'nodejs_external_memory_bytes',
  'nodejs_version_info',
])

/** The figures of this process, for {@link metricsRoute} of any worker. */
export class ProcessMetrics {
  readonly #registry = new Registry()

  constructor() {
    collectDefaultMetrics({ register: this.#registry })
    for (const { name } of this.#registry.getMetricsAsArray()) {
      if (!processMetrics.has(name)) this.#registry.removeSingleMetric(name)
    }
  }

  async read(): Promise<object> {
    return this.#registry.getMetricsAsJSON()
  }
}

export function metricsRoute(own: ProcessMetrics): Route {
  return {
    path: /^\/metrics$/,
    guard: 'client',
    handlers: {
      GET: async ({ role }, { engine, version }) => {
        // If the disk refuses the write, only the figures of this process are missing.
        await engine.figures.tell(await own.read()).catch(() => undefined)
        return {
          status: 200,
          headers: { 'Content-Type': Registry.PROMETHEUS_CONTENT_TYPE, 'Cache-Control': 'no-store' },
          body: await metricsText(engine, version, role),
        }
      },
    },
  }
}

export async function metricsText(
  engine: Pick<Engine, 'status' | 'figures' | 'cluster'>,
  version: string,
  role: Role,
): Promise<string> {
  const { figures, cluster } = engine
  const input = { status: statusFor(role, await engine.status()), sums: await figures.sums(), version, cluster }
  const shared = metricTable.map(({ name, type, help, values }) => ({
    name,
    help,
    type,
    aggregator: 'sum',
    values: values(input),
  }))
  const processes = (await figures.processes()) as MetricObject[][]
  return AggregatorRegistry.aggregate([shared as unknown as MetricObject[], ...processes]).metrics()
}
