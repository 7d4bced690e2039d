/** What a server says of a download whose ranges come in parallel. */
import assert from 'node:assert/strict'
import { statsLines } from '#kiss/cli/inspect/stats.js'
import { metricsRoute, ProcessMetrics } from '#kiss/server/metrics.js'
import { routes } from '#kiss/server/routes.js'
import { testEngines } from '../support/engine.js'
import { bytes, latch } from '../support/origin.js'
import { until } from '../support/until.js'
import { get } from './support/client.js'
import { engineServers } from './support/engine-servers.js'

describe('segments in flight', () => {
  const servers = engineServers()
  const engines = testEngines()
  const body = bytes('in flight', 800_000)
  const parallel = { connections: 4, least: 1000, smallest: 64_000, largest: 64_000, interval: 0.01, fast: Infinity }

  it('are told by the status, the metrics and kiss stats of every process on the directory', async () => {
    const gate = latch()
    // Each connection stays open with some bytes of its range.
    const held = { body, etag: '"1"', stall: { after: 200_000, until: gate.opened } }
    servers.origin.script('/f', [held, { ...held, stall: { after: 1000, until: gate.opened } }])
    const cacheDir = await engines.folder()
    const withMetrics = { routes: [...routes, metricsRoute(new ProcessMetrics())] }
    const here = await servers.start(withMetrics, { cacheDir, parallel })
    const there = await servers.start(withMetrics, { cacheDir })
    const url = `${here.server.url}api/v1/fetch?url=${encodeURIComponent(servers.origin.url('/f'))}`
    const reading = get(url)
    for (const { url: base } of [here.server, there.server]) {
      const status = async (): Promise<Record<string, unknown>> =>
        JSON.parse((await get(`${base}api/v1/status/`)).text) as Record<string, unknown>
      const says = async (path: string, what: RegExp): Promise<void> =>
        until(`${what.source} at ${path}`, async () => what.test((await get(`${base}${path}`)).text))
      await says('api/v1/status/', /"segments_in_flight": ?[2-4]/)
      await says('metrics', /^kiss_segments_in_flight [2-4]$/m)
      const stats = { status: await status(), hosts: [], name: 'x', price: undefined, columns: undefined }
      assert.match(statsLines(stats).join('\n'), /1 in flight over [2-4] connections/)
    }
    gate.open()
    assert.ok((await reading).body.equals(body))
    await until('none left', async () =>
      /"segments_in_flight": ?0/.test((await get(`${here.server.url}api/v1/status/`)).text),
    )
  })
})
