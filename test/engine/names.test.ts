import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import type { Engine, EngineOptions, ShownEntry } from '#kiss/engine/types.js'
import { plainProvider } from '#kiss/provider/owner.js'
import type { UpstreamProvider } from '#kiss/provider/types.js'
import { startServer } from '#kiss/server/server.js'
import { get as httpGet } from '../server/support/client.js'
import { TestLog } from '../server/support/servers.js'
import { fetchAll, MovableClock, testEngines } from '../support/engine.js'
import { bytes, Origin, sha256 } from '../support/origin.js'
import { Rights } from '../support/rights.js'
import { zip } from '../support/zip.js'

describe('the names of one URL', () => {
  const engines = testEngines()
  const [first, second] = [bytes('first', 300_000), bytes('second', 200_000)]
  let origin: Origin
  let clock: MovableClock
  /** The version that `/latest` and `/id/7` lead to, and how often the provider was asked for it. */
  let newest: string
  let asked: number
  beforeEach(async () => {
    origin = await Origin.start()
    origin.serve('/v1', { body: first, etag: '"v1"' })
    origin.serve('/v2', { body: second, etag: '"v2"' })
    clock = new MovableClock()
    ;[newest, asked] = ['/v1', 0]
  })
  afterEach(() => origin.close())

  const naming: UpstreamProvider = {
    ...plainProvider,
    name: 'naming',
    ttl: ({ pathname }) => (pathname.startsWith('/latest') ? 300 : undefined),
    async source({ url }) {
      const [path = '', member] = url.pathname.split('!/')
      if (path === '/latest' || path === '/id/7') {
        asked++
        return { url: new URL(member === undefined ? newest : `${newest}!/${member}`, url) }
      }
      return member === undefined ? undefined : { url: new URL(path, url), member }
    },
  }
  const open = (provider: Partial<UpstreamProvider> = {}, options: Partial<EngineOptions> = {}): Promise<Engine> =>
    engines.engine({ providers: [{ ...naming, ...provider }], clock, ...options })
  const get = (kiss: Engine, path: string, request = {}) => fetchAll(kiss, origin.url(path), request)
  const listed = async (kiss: Engine): Promise<string[]> => {
    const found: ShownEntry[] = []
    for await (const entry of kiss.list()) found.push(entry)
    return found.map(({ url }) => new URL(url).pathname).sort()
  }

  it('share its entry: one is listed and counted, and one download is made', async () => {
    const kiss = await open()
    const served = []
    for (const path of ['/latest', '/v1', '/id/7', '/latest']) served.push((await get(kiss, path)).as)
    assert.deepEqual(served, ['miss', 'hit', 'hit', 'hit'])
    assert.deepEqual(await listed(kiss), ['/v1'])
    const { entries, usage, counts } = await kiss.status()
    assert.deepEqual([entries, usage.logical], [1, first.length])
    const { requests, requests_miss, requests_hit, downloaded, served_miss, served_hit, successes } = counts
    assert.deepEqual([requests, requests_miss, requests_hit, successes], [4, 1, 3, 1])
    assert.deepEqual([downloaded, served_miss, served_hit], [first.length, first.length, 3 * first.length])
    assert.deepEqual([asked, origin.log().length], [2, 1])
  })

  it('are asked for at the provider once in their lifetime, and lead to the new version after it', async () => {
    const kiss = await open()
    await get(kiss, '/latest')
    newest = '/v2'
    clock.move(299_000)
    assert.ok((await get(kiss, '/latest')).body.equals(first))
    clock.move(2_000)
    assert.ok((await get(kiss, '/latest')).body.equals(second))
    assert.ok((await get(kiss, '/latest')).body.equals(second))
    assert.deepEqual([asked, await listed(kiss)], [2, ['/v1', '/v2']])
    // An hour later the name is the same: its entry is not downloaded again.
    clock.move(3_600_000)
    assert.equal((await get(kiss, '/latest')).as, 'hit')
    assert.deepEqual([asked, origin.log().length], [3, 2])
  })

  it('are asked for anew by --refresh, and by a request for nothing older', async () => {
    const kiss = await open()
    await get(kiss, '/id/7')
    clock.move(60_000)
    assert.equal((await get(kiss, '/id/7', { ttl: 10_000 })).as, 'revalidated')
    newest = '/v2'
    assert.ok((await get(kiss, '/id/7')).body.equals(first))
    assert.ok((await get(kiss, '/id/7', { refresh: true })).body.equals(second))
    assert.equal(asked, 3)
  })

  it('work offline, whatever their age, in another process too', async () => {
    const cacheDir = await engines.folder()
    const online = await open({}, { cacheDir })
    await get(online, '/latest')
    await online.close()
    clock.move(86_400_000)
    const kiss = await open({}, { cacheDir })
    assert.ok((await get(kiss, '/latest', { offline: true })).body.equals(first))
    await assert.rejects(get(kiss, '/id/7', { offline: true }), { code: 'offline' })
    assert.equal(asked, 1)
  })

  it('are served stale where the provider cannot be asked', async () => {
    let down = false
    const kiss = await open({
      source: (request, context) => {
        if (!down) return naming.source!(request, context)
        const failure = { url: request.url, hop: 0, status: 503, headers: {}, excerpt: '' }
        return Promise.reject(Object.assign(new Error('down'), { failure }))
      },
    })
    await get(kiss, '/latest')
    down = true
    clock.move(301_000)
    const { artifact, body } = await get(kiss, '/latest')
    assert.deepEqual([artifact.detail, body.equals(first)], ['stale-if-error', true])
  })

  it('are purged, selected and pinned with the entry that they lead to, by any of them', async () => {
    const kiss = await open()
    const urls = [new URL(origin.url('/latest'))]
    for (const path of ['/latest', '/id/7']) await get(kiss, path)
    const pinned = await kiss.pin({ urls }, undefined)
    assert.deepEqual(
      [pinned.map(({ url }) => new URL(url).pathname), (await kiss.status()).pinned.entries],
      [['/v1'], 1],
    )
    assert.equal((await kiss.purge({ all: true })).removed, 0)
    assert.ok((await get(kiss, '/latest', { offline: true })).body.equals(first), 'the name is pinned as well')
    assert.deepEqual(await kiss.purge({ urls, dryRun: true }), { removed: 1, bytes: first.length, dryRun: true })
    assert.equal((await kiss.purge({ urls })).removed, 1)
    assert.deepEqual(await listed(kiss), [])
    newest = '/v2'
    assert.ok((await get(kiss, '/latest')).body.equals(second), 'the purged name is asked for again')
    assert.equal((await kiss.purge({ all: true })).removed, 1)
    await assert.rejects(get(kiss, '/id/7', { offline: true }), { code: 'offline' })
  })

  it('have the sum of the content, and not one of their own', async () => {
    const kiss = await open()
    for (const refresh of [false, true]) {
      assert.ok((await get(kiss, '/latest', { sha256: sha256(first), refresh })).body.equals(first))
      await assert.rejects(get(kiss, '/latest', { sha256: sha256(second), refresh }), { code: 'digest-mismatch' })
    }
  })

  it('are downloaded once by clients that come together, each by another name', async () => {
    const kiss = await open()
    const all = await Promise.all(['/latest', '/id/7', '/v1', '/latest'].map((path) => get(kiss, path)))
    for (const { body } of all) assert.ok(body.equals(first))
    assert.equal(origin.log().length, 1)
  })

  it('name files in archives too, which are one entry as well', async () => {
    origin.serve('/v1', { body: zip([{ name: 'boot/Image', body: second }]), etag: '"zip"' })
    const kiss = await open()
    for (const path of ['/latest', '/id/7', '/v1'])
      assert.ok((await get(kiss, `${path}!/boot/Image`)).body.equals(second))
    assert.deepEqual([await listed(kiss), origin.log().length], [['/v1', '/v1!/boot/Image'], 1])
  })

  it('are private: a client is told where one leads by the provider, with a right of its own', async () => {
    new Rights(origin, '/v1').give({ body: first, etag: '"v1"' }, 'alice', 'bob')
    const shown: (string | undefined)[] = []
    const kiss = await open({
      source: async (request, context) => {
        if (request.url.pathname !== '/latest') return undefined
        const token = request.headers['private-token']
        shown.push(token)
        if (token === 'alice' || token === 'bob') return naming.source!(request, context)
        const failure = { url: request.url, hop: 0, status: 404, headers: {}, excerpt: '' }
        throw Object.assign(new Error('no'), { failure })
      },
    })
    const as = (token?: string) => (token === undefined ? {} : { headers: { 'private-token': token } })
    for (const token of ['alice', 'alice', 'bob', 'bob']) {
      const { artifact, body } = await get(kiss, '/latest', as(token))
      assert.deepEqual([artifact.private, body.equals(first)], [true, true])
    }
    assert.deepEqual(shown, ['alice', 'bob'])
    for (const token of ['mallory', undefined]) {
      await assert.rejects(get(kiss, '/latest', as(token)), (error: Error & { status: number }) => {
        assert.equal(error.status, 404)
        assert.doesNotMatch(error.message, /v1/)
        return true
      })
      await assert.rejects(get(kiss, '/latest', { ...as(token), offline: true }), { code: 'offline' })
    }
    assert.equal((await get(kiss, '/latest', { ...as('bob'), offline: true })).as, 'hit')
  })

  it('lead on after a repeated hit, when their lifetime is over and that of the entry is not', async () => {
    const kiss = await open()
    origin.serve('/v1', { body: Buffer.from('small'), etag: '"s"' })
    const server = await startServer({ engine: kiss, log: new TestLog(), host: '127.0.0.1', port: 0, version: '1' })
    try {
      const ask = () => httpGet(`${server.url}api/v1/fetch?url=${encodeURIComponent(origin.url('/latest'))}`)
      for (let i = 0; i < 3; i++) assert.equal((await ask()).text, 'small')
      newest = '/v2'
      clock.move(301_000)
      assert.equal((await ask()).body.length, second.length)
    } finally {
      await server.close()
    }
  })

  it('end where one leads back to itself, or to no end', async () => {
    const kiss = await open({ source: async ({ url }) => ({ url: new URL(`/x${url.pathname}`, url) }) })
    await assert.rejects(get(kiss, '/x'), { code: 'credential', message: /name/ })
    const circle = await open({ source: async ({ url }) => ({ url }) })
    await assert.rejects(get(circle, '/x'), { code: 'credential', message: /names a URL as its own source/ })
    const two = await open({ source: async ({ url }) => ({ url: new URL(url.pathname === '/a' ? '/b' : '/a', url) }) })
    await assert.rejects(get(two, '/a'), { code: 'credential' })
  })

  it('show a credential to another origin only if its URLs belong to the same provider', async () => {
    const elsewhere = await Origin.start({ host: '127.0.0.2' })
    try {
      elsewhere.serve('/v1', { body: first })
      const own = { headers: { 'private-token': 'alice' } }
      const source: UpstreamProvider['source'] = async ({ url }) =>
        url.pathname === '/latest' ? { url: new URL(elsewhere.url('/v1')) } : undefined
      const isOwn = ({ host }: URL): boolean => host === new URL(origin.url('/')).host
      const others = { ...plainProvider, matches: (url: URL) => !isOwn(url) }
      for (const [providers, shown] of [
        [[{ ...naming, source, matches: isOwn }, others], undefined],
        [[{ ...naming, source }], 'alice'],
      ] as const) {
        await get(await open({}, { providers }), '/latest', own)
        assert.equal(elsewhere.log('/v1').at(-1)?.headers['private-token'], shown)
      }
    } finally {
      await elsewhere.close()
    }
  })

  it('are followed no more once the plugin that gave them is gone', async () => {
    const cacheDir = await engines.folder()
    const before = await open({}, { cacheDir })
    await get(before, '/latest')
    await before.close()
    const after = await engines.engine({ cacheDir, clock })
    await assert.rejects(get(after, '/latest'), { code: 'disk', message: /no plugin gives names for it/ })
  })

  it('are made by no origin, whatever it sends', async () => {
    const kiss = await open()
    const body = Buffer.from(origin.url('/v2'))
    origin.serve('/uris', { body, type: 'text/uri-list', etag: '"x"' })
    assert.ok((await get(kiss, '/uris')).body.equals(body))
    assert.deepEqual(await listed(kiss), ['/uris'])
  })

  it('are an answer of the origin, a redirect, where that says what is stored', async () => {
    const rule = { match: [origin.url('/latest')], freshness: 'origin', place: 'rules[0]' } as const
    const kiss = await open({}, { rules: [rule] })
    assert.ok((await get(kiss, '/latest')).body.equals(first))
  })

  it('survive a lost index, and a kiss that checks every byte keeps them', async () => {
    const cacheDir = await engines.folder()
    const kiss = await open({}, { cacheDir })
    await get(kiss, '/latest')
    const { damaged, orphans, dangling } = await kiss.verify()
    assert.deepEqual([damaged, orphans, dangling], [[], [], []])
    await kiss.close()
    for (const file of ['index.sqlite', 'index.sqlite-wal', 'index.sqlite-shm'])
      await rm(`${cacheDir}/${file}`, { force: true })
    const again = await open({}, { cacheDir })
    await again.verify({ rebuild: true })
    assert.ok((await get(again, '/latest', { offline: true })).body.equals(first))
    assert.deepEqual(await listed(again), ['/v1'])
  })
})
