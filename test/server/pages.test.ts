import assert from 'node:assert/strict'
import { text } from '#kiss/server/reply.js'
import { allowedMethods, findRoute, type Route } from '#kiss/server/route.js'
import { statusDocument, statusKeys } from '#kiss/server/status.js'
import { get } from './support/client.js'
import { testServers } from './support/servers.js'
import { emptyStatus } from './support/stub-engine.js'

const context = { instance: 'http://kiss:8001/', version: '1.2.3', now: 0 }
const download = { received: 0, length: 1, readers: 1, startedAt: 0, private: false, url: 'https://o/f' }

describe('the status page', () => {
  const start = testServers()

  it("has KissCache's keys, counted as KissCache counts", () => {
    const counts = {
      ...emptyStatus.counts,
      downloaded: 100,
      served_hit: 300,
      downloaded_mirror: 10,
      downloaded_parent: 30,
      served_miss: 100,
      served_aborted: 7,
      requests: 9,
      requests_hit: 3,
      requests_miss: 1,
      successes: 2,
      failures: 1,
    }
    const status = {
      ...emptyStatus,
      counts,
      usage: { blobs: 250, reserved: 50, logical: 250 },
      counted: 250,
      quota: 1000,
      entries: 4,
      downloads: [
        { ...download, state: 'scheduled' as const },
        { ...download, state: 'downloading' as const },
        { ...download, state: 'downloading' as const },
      ],
      failures: [{ url: 'https://o/f', at: 0, code: 'origin-refused', message: '404', private: false }],
    }
    const { counters, ...document } = statusDocument(status, context)
    assert.deepEqual(document, {
      timestamp: '1970-01-01T00:00:00.000Z',
      disk_usage: 250,
      disk_quota: 1000,
      disk_usage_percent: 25,
      disk_logical: 250,
      disk_pinned: 0,
      segments_in_flight: 0,
      downloaded_from: { origin: 60, mirror: 10, parent: 30 },
      instance: 'http://kiss:8001/',
      resources_scheduled: 1,
      resources_downloading: 2,
      resources_successes: 4,
      resources_failures: 1,
      resources_usage: 4,
      statistics_successes: 2,
      statistics_failures: 1,
      statistics_download: 100,
      statistics_upload: 400,
      statistics_requests: 9,
      version: '1.2.3',
      cache_id: 'stub',
      ratio: 4,
      disk_reserved: 50,
    })
    assert.deepEqual(counters, counts)
  })

  it('has no ratio and no percentage of nothing', () => {
    const document = statusDocument(emptyStatus, context)
    assert.deepEqual([document['ratio'], document['disk_quota'], document['disk_usage_percent']], [null, 0, 0])
  })

  it('explains each of its keys', () => {
    assert.deepEqual(
      statusKeys.map(({ key }) => key),
      Object.keys(statusDocument(emptyStatus, context)),
    )
  })

  it('is JSON that no cache keeps, with this server as its instance', async () => {
    const server = await start()
    for (const path of ['api/v1/status/', 'api/v1/status']) {
      const { status, headers, text: body } = await get(server.url + path)
      assert.deepEqual(
        [status, headers['content-type'], headers['cache-control']],
        [200, 'application/json', 'no-store'],
      )
      assert.equal((JSON.parse(body) as { instance: string }).instance, server.url)
    }
  })
})

describe('the health page', () => {
  const start = testServers()

  it('says ok', async () => {
    const server = await start()
    const { status, text: body } = await get(`${server.url}api/v1/health/`)
    assert.deepEqual([status, body], [200, 'ok'])
  })
})

describe('routes', () => {
  const start = testServers()
  const page: Route = {
    path: /^\/page\/(\d+)?$/,
    guard: 'client',
    handlers: { GET: ({ params, role, base }) => text(200, `${String(params[0])} ${role} ${base}`) },
    admin: { POST: () => text(200, 'done') },
  }

  it('are found by path, with what their groups matched', () => {
    assert.deepEqual(findRoute([page], '/page/12')?.params, ['12'])
    assert.deepEqual(findRoute([page], '/page/')?.params, [''])
    assert.equal(findRoute([page], '/page/x'), undefined)
    assert.deepEqual(allowedMethods(page, false), ['GET', 'HEAD'])
    assert.deepEqual(allowedMethods(page, true), ['GET', 'HEAD', 'POST'])
  })

  it('can be added, and answer HEAD by their GET', async () => {
    const server = await start({ routes: [page], access: { adminTokens: ['admin'] } })
    const headers = { Authorization: 'Bearer admin' }
    assert.equal((await get(`${server.url}page/7`, { headers })).text, `7 admin ${server.url}`)
    const head = await get(`${server.url}page/7`, { method: 'HEAD' })
    assert.deepEqual(
      [head.status, head.text, head.headers['content-length']],
      [200, '', String(`7 anyone ${server.url}`.length)],
    )
    assert.equal((await get(`${server.url}page/`, { method: 'POST' })).status, 401)
    assert.equal((await get(`${server.url}page/`, { method: 'POST', headers })).text, 'done')
  })

  it('write their own address as the client and a trusted proxy know it', async () => {
    const server = await start({
      routes: [page],
      access: { trustProxies: ['127.0.0.1'] },
      serverNames: ['kiss.example'],
    })
    const headers = { Host: 'kiss.example', 'X-Forwarded-Proto': 'https' }
    assert.equal((await get(`${server.url}page/`, { headers })).text, ' anyone https://kiss.example/')
    const plain = await start({ routes: [page] })
    assert.equal(
      (await get(`${plain.url}page/`, { headers: { ...headers, Host: 'localhost' } })).text,
      ' anyone http://localhost/',
    )
  })
})
