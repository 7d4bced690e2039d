import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KissError } from '#kiss/errors.js'
import { durationBounds, histogramsOf, noteDuration, routeLabel } from '#kiss/server/durations.js'
import { metricTable } from '#kiss/server/metric-table.js'
import { metricsText } from '#kiss/server/metrics.js'
import type { RequestRecord } from '#kiss/server/request-log.js'
import { project } from '../support/cli.js'
import { get } from './support/client.js'
import { LabEngine, labs } from './support/dashboard.js'
import { adminToken, labCluster } from './support/dashboard-contents.js'

const record = (over: Partial<RequestRecord>): RequestRecord => ({
  id: '1',
  method: 'GET',
  path: '/api/v1/fetch',
  status: 200,
  bytes: 1,
  firstByte: 1,
  duration: 1,
  client: undefined,
  outcome: 'done',
  ...over,
})

/** Runs Debian's promtool; skips the test where there is none. */
function promtool(
  context: Mocha.Context,
  args: readonly string[],
  input?: string,
): { status: number | null; said: string } {
  const ran = spawnSync('promtool', args, { input, encoding: 'utf8' })
  if (ran.error !== undefined) {
    console.log('      skipped: needs promtool (apt-get install prometheus)')
    context.skip()
  }
  return { status: ran.status, said: ran.stdout + ran.stderr }
}

/** Lines of samples, without comments. */
function samples(text: string, name: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
}

describe('the labels of a request', () => {
  it('are few, whatever strangers ask for', () => {
    const paths = [
      '/api/v1/fetch',
      '/api/v1/fetch/',
      '/api/v1/fetch/a.gz',
      '/',
      '/statistics/',
      '/resources/failures/2',
    ]
    assert.deepEqual(paths.map(routeLabel), ['fetch', 'fetch', 'fetch', 'page', 'page', 'page'])
    assert.deepEqual(['/x', '/api/v1/fetchx', '/metrics/', '//', ''].map(routeLabel), Array(5).fill('other'))
  })
})

describe('durations', () => {
  it('become a cumulative histogram, in seconds', () => {
    const sums = new Map<string, number>()
    const figures = { add: (name: string, n: number) => void sums.set(name, (sums.get(name) ?? 0) + n) }
    for (const duration of [5, 6, 100, 1500, 10_000_000]) noteDuration(figures, record({ duration, as: 'hit' }))
    const [histogram, ...others] = histogramsOf(sums)
    assert.deepEqual(others, [])
    assert.deepEqual(histogram?.labels, { route: 'fetch', cache: 'hit' })
    assert.deepEqual(histogram.buckets, [1, 2, 3, 3, 3, 4, 4, 4, 4, 4])
    assert.equal(histogram.buckets.length, durationBounds.length)
    assert.deepEqual([histogram.count, histogram.sum], [5, 10_001.611])
    assert.equal(sums.get('responses fetch 2xx'), 5)
  })
})

describe('/metrics', () => {
  const start = labs()

  it('says what the cache counts, in the names and units of Prometheus', async () => {
    const engine = new LabEngine()
    const text = await metricsText(engine, '1.2.3', 'admin')
    assert.deepEqual(samples(text, 'kiss_build_info'), ['kiss_build_info{version="1.2.3"} 1'])
    assert.deepEqual(samples(text, 'kiss_downloaded_bytes_total'), ['kiss_downloaded_bytes_total 32400000000000'])
    assert.ok(samples(text, 'kiss_served_bytes_total').includes('kiss_served_bytes_total{as="hit"} 1480000000000000'))
    assert.deepEqual(samples(text, 'kiss_downloads_in_flight'), [
      'kiss_downloads_in_flight{state="downloading"} 5',
      'kiss_downloads_in_flight{state="scheduled"} 2',
    ])
    assert.deepEqual(samples(text, 'kiss_cache_quota_bytes'), ['kiss_cache_quota_bytes 500000000000'])
    engine.state = { ...engine.state, quota: undefined }
    assert.deepEqual(samples(await metricsText(engine, '1', 'admin'), 'kiss_cache_quota_bytes'), [])
  })

  it('says of a node whether Redis answers it, and which nodes it knows', async () => {
    const engine = new LabEngine()
    assert.deepEqual(samples(await metricsText(engine, '1', 'anyone'), 'kiss_cluster_nodes'), [])
    engine.cluster = labCluster
    const text = await metricsText(engine, '1', 'anyone')
    assert.deepEqual(samples(text, 'kiss_cluster_redis_up'), ['kiss_cluster_redis_up 0'])
    assert.deepEqual(
      samples(text, 'kiss_cluster_nodes'),
      ['serving', 'draining', 'absent'].map((state) => `kiss_cluster_nodes{state="${state}"} 1`),
    )
  })

  it('adds up what all processes are like', async () => {
    const engine = new LabEngine()
    const memory = (value: number): object => [
      {
        name: 'process_resident_memory_bytes',
        help: 'h',
        type: 'gauge',
        aggregator: 'sum',
        values: [{ value, labels: {} }],
      },
    ]
    engine.figures.processes = async () => [memory(100), memory(23)]
    const text = await metricsText(engine, '1', 'admin')
    assert.deepEqual(samples(text, 'process_resident_memory_bytes'), ['process_resident_memory_bytes 123'])
  })

  it('is served as text, with the figures of this process, and names no artifact', async () => {
    const lab = await start()
    noteDuration(lab.engine.figures, record({ as: 'collapsed' }))
    for (const headers of [{}, { Authorization: `Bearer ${adminToken}` }]) {
      const { headers: answered, text } = await get(`${lab.url}metrics`, { headers })
      assert.equal(answered['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
      assert.match(text, /^process_resident_memory_bytes \d+$/m)
      assert.match(text, /^kiss_http_request_duration_seconds_bucket\{le="\+Inf",route="fetch",cache="collapsed"\} 1$/m)
      assert.doesNotMatch(text, /:\/\/|example/)
    }
  })

  it('serves the counters of the cache while the disk is full', async () => {
    const lab = await start()
    lab.engine.figures.tell = async () => {
      throw new KissError('disk', 'the index of the cache directory failed: SQLITE_IOERR')
    }
    const { status, text } = await get(`${lab.url}metrics`)
    assert.equal(status, 200)
    assert.match(text, /^kiss_downloaded_bytes_total 32400000000000$/m)
  })

  it('is what promtool takes for good metrics', async function () {
    this.timeout(20_000)
    const lab = await start()
    noteDuration(lab.engine.figures, record({ as: 'hit' }))
    const { text } = await get(`${lab.url}metrics`)
    assert.deepEqual(promtool(this, ['check', 'metrics'], text), { status: 0, said: '' })
  })
})

describe('the alert rules and the Grafana dashboard', () => {
  const read = (name: string): string => readFileSync(join(project, 'docs', name), 'utf8')

  it('ask for metrics that there are', async () => {
    const lab = new LabEngine()
    const { ProcessMetrics } = await import('#kiss/server/metrics.js')
    await lab.figures.tell(await new ProcessMetrics().read())
    const known = new Set([
      ...metricTable.map(({ name }) => name),
      ...[...(await metricsText(lab, '1', 'admin')).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? ''),
    ])
    const asked = [...`${read('alerts.yml')}${read('grafana-dashboard.json')}`.matchAll(/\b(?:kiss|process)_[a-z_]+/g)]
    assert.ok(asked.length > 20)
    for (const [name] of asked) assert.ok(known.has(name.replace(/_(bucket|sum|count)$/, '')), name)
  })

  it('ask in a way that Prometheus can answer', async function () {
    this.timeout(20_000)
    const variables: Record<string, string> = {
      __range: '1h',
      __rate_interval: '5m',
      instance: '.*',
      egress_price: '0.09',
    }
    const { panels } = JSON.parse(read('grafana-dashboard.json')) as { panels: { targets: { expr: string }[] }[] }
    const rules = panels
      .flatMap(({ targets }) => targets)
      .map(({ expr }, n) => ({
        record: `panel:${n}`,
        expr: expr.replace(/\$(\w+)/g, (_, name: string) => variables[name] ?? assert.fail(`there is no $${name}`)),
      }))
    assert.ok(rules.length >= 16)
    const folder = await mkdtemp(join(tmpdir(), 'kiss-panels-'))
    try {
      await writeFile(join(folder, 'panels.yml'), JSON.stringify({ groups: [{ name: 'panels', rules }] }))
      const { status, said } = promtool(this, ['check', 'rules', join(folder, 'panels.yml')])
      assert.equal(status, 0, said)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('leave no metric undocumented', () => {
    const page = read('monitoring.md')
    for (const { name, help } of metricTable) assert.ok(page.includes(`\`${name}\``) && page.includes(help), name)
  })

  it('are whole: every panel has a title, a unit and a place of its own', () => {
    const { panels } = JSON.parse(read('grafana-dashboard.json')) as {
      panels: { id: number; title: string; fieldConfig: { defaults: { unit: string } }; gridPos: object }[]
    }
    assert.ok(panels.every(({ title, fieldConfig }) => title !== '' && fieldConfig.defaults.unit !== ''))
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    assert.equal(new Set(panels.map(({ gridPos }) => JSON.stringify(gridPos))).size, panels.length)
  })

  it('are rules that promtool takes', function () {
    this.timeout(20_000)
    const { status, said } = promtool(this, ['check', 'rules', join(project, 'docs/alerts.yml')])
    assert.equal(status, 0, said)
    assert.match(said, /10 rules found/)
  })

  it('fire when downloads fail, and not when one of many does', async function () {
    this.timeout(20_000)
    const folder = await mkdtemp(join(tmpdir(), 'kiss-rules-'))
    try {
      const series = (instance: string, outcome: string, values: string): object => ({
        series: `kiss_downloads_total{instance="${instance}", outcome="${outcome}"}`,
        values,
      })
      const test = {
        rule_files: [join(project, 'docs/alerts.yml')],
        tests: [
          {
            interval: '1m',
            input_series: [
              series('bad', 'failure', '0+10x60'),
              series('bad', 'success', '0+10x60'),
              series('good', 'failure', '0+1x60'),
              series('good', 'success', '0+99x60'),
            ],
            promql_expr_test: [
              {
                expr: 'count by (alertname, instance) (ALERTS{alertstate="firing"})',
                eval_time: '50m',
                exp_samples: [{ labels: '{alertname="KissDownloadsFail", instance="bad"}', value: 1 }],
              },
            ],
          },
        ],
      }
      const file = join(folder, 'test.yml')
      await writeFile(file, JSON.stringify(test))
      const { status, said } = promtool(this, ['test', 'rules', file])
      assert.equal(status, 0, said)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
