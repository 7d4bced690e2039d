/** Engines that ask kiss servers before the origin. */
import assert from 'node:assert/strict'
import type { UpstreamProvider } from '#kiss/provider/types.js'
import { MovableClock, readArtifact } from '../support/engine.js'
import { bytes, latch, Origin } from '../support/origin.js'
import { get } from './support/client.js'
import { downloadedBy, ENDPOINT, fetchFrom, parentLab } from './support/parents.js'

const HOUR = 3_600_000

describe('an engine with parents', () => {
  const here = parentLab()
  const { tiers, child } = here
  const body = bytes('parent', 300_000)

  it('asks a parent before the origin, and counts the bytes of the parent', async () => {
    tiers.origin.serve('/f', { body, etag: '"1"' })
    const { server } = await tiers.start()
    const [one, two] = [await child(server.url), await child(server.url)]
    assert.ok((await fetchFrom(one, tiers.origin.url('/f'))).equals(body))
    assert.ok((await fetchFrom(two, tiers.origin.url('/f'))).equals(body))
    assert.equal(tiers.origin.log().length, 1)
    assert.deepEqual([await downloadedBy(one), await downloadedBy(two)], Array(2).fill([body.length, body.length]))
  })

  it('streams from a parent while the bytes arrive there', async () => {
    const gate = latch()
    tiers.origin.script('/f', [{ body, stall: { after: 1000, until: gate.opened } }])
    const { server } = await tiers.start()
    const artifact = await (await child(server.url)).fetch({ url: new URL(tiers.origin.url('/f')) })
    assert.ok((await artifact.content.read(Buffer.alloc(1000), 0)) > 0)
    gate.open()
    assert.ok((await readArtifact(artifact)).equals(body))
  })

  it('asks a parent for the URLs of its pattern alone', async () => {
    here.parent.serve(ENDPOINT, { body })
    tiers.origin.serve('/other/f', { body })
    tiers.origin.serve('/f', { body })
    const match = `${tiers.origin.url('/other/')}**`
    const engine = await child([], { of: [{ match, to: [here.parent.url('/')] }] })
    await fetchFrom(engine, tiers.origin.url('/f'))
    assert.equal(here.parent.log().length, 0)
    await fetchFrom(engine, tiers.origin.url('/other/f'))
    assert.deepEqual([here.parent.log().length, tiers.origin.log('/other/f').length], [1, 0])
  })

  it('follows the redirects that a parent passes on under freshness: origin, at the parent', async () => {
    tiers.origin.script('/f', [{ redirect: '/moved', status: 302 }])
    tiers.origin.serve('/moved', { body, etag: '"1"', extra: { 'cache-control': 'max-age=60' } })
    const rules = [{ match: ['http://**'], freshness: 'origin' as const, place: 'kiss.yaml:1' }]
    const { server } = await tiers.start({}, { rules })
    for (const only of [false, true]) {
      const engine = await child(server.url, { only })
      assert.ok((await fetchFrom(engine, tiers.origin.url('/f'))).equals(body))
      assert.deepEqual(await downloadedBy(engine), [body.length, body.length])
    }
    assert.equal(tiers.origin.log('/moved').length, 1)
  })

  it('asks the parent alone with --parent-only, repeatedly, and fails if the parent cannot give the artifact', async () => {
    tiers.origin.serve('/f', { body })
    here.parent.script(ENDPOINT, [{ status: 503 }, { status: 502 }, { body }])
    assert.ok((await fetchFrom(await child(here.parent.url('/'), { only: true }), tiers.origin.url('/f'))).equals(body))
    here.parent.script(ENDPOINT, [{ status: 503, text: '{"detail": "it is full"}' }])
    const failing = fetchFrom(
      await child(here.parent.url('/'), { only: true }, { retryFor: 500 }),
      tiers.origin.url('/f'),
    )
    await assert.rejects(failing, { code: 'origin-unreachable', message: /the parent .* cannot give it: it is full/ })
    assert.equal(tiers.origin.log().length, 0)
  })

  it('passes on the refusal of the origin from the parent, and does not ask the origin again', async () => {
    tiers.origin.script('/f', [{ status: 404 }])
    const { server } = await tiers.start()
    const failing = fetchFrom(await child(server.url), tiers.origin.url('/f'))
    await assert.rejects(failing, { code: 'origin-refused', status: 404, message: /\/f: the origin answered 404$/ })
    assert.equal(tiers.origin.log().length, 1)
  })

  it('fails with client-forbidden if the parent refuses its client', async () => {
    tiers.origin.serve('/f', { body })
    const { server } = await tiers.start({ access: { clientTokens: ['sesame-opens-this-door'] } })
    await assert.rejects(fetchFrom(await child(server.url), tiers.origin.url('/f')), {
      code: 'client-forbidden',
      hint: /--parent-token-file/,
    })
    const trusted = await child(server.url, { token: 'sesame-opens-this-door' })
    assert.ok((await fetchFrom(trusted, tiers.origin.url('/f'))).equals(body))
  })

  it('writes the Cache-Status of the parent before its own', async () => {
    tiers.origin.serve('/f', { body })
    const above = await tiers.start()
    const parents = { of: [{ to: [above.server.url] }] }
    const below = await tiers.start({}, { upstream: { guard: false, env: {}, parents } })
    const ask = async (): Promise<unknown> =>
      (await get(`${below.server.url}api/v1/fetch?url=${encodeURIComponent(tiers.origin.url('/f'))}`)).headers[
        'cache-status'
      ]
    assert.equal(await ask(), 'kiss; fwd=uri-miss; fwd-status=200; stored, kiss; fwd=uri-miss; fwd-status=200; stored')
    assert.equal(await ask(), 'kiss; hit')
    assert.equal(below.log.records[0]?.cache, 'fwd=uri-miss; fwd-status=200; stored')
  })

  it('gives a copy the age that it has at the parent', async () => {
    here.parent.serve(ENDPOINT, { body, etag: '"1"', extra: { Age: '3600' } })
    const engine = await child(here.parent.url('/'), {}, { defaultTtl: 10 * HOUR })
    const before = Date.now()
    await fetchFrom(engine, tiers.origin.url('/f'))
    for await (const { validatedAt, staleAt } of engine.list()) {
      assert.ok(Math.abs(before - HOUR - validatedAt) < 60_000)
      assert.equal(staleAt - validatedAt, 10 * HOUR)
    }
  })

  it('confirms a stale copy with the age that it has at the parent', async () => {
    const clock = new MovableClock()
    here.parent.serve(ENDPOINT, { body, etag: '"1"' })
    const engine = await child(here.parent.url('/'), {}, { defaultTtl: HOUR, clock })
    await fetchFrom(engine, tiers.origin.url('/f'))
    clock.move(2 * HOUR)
    here.parent.serve(ENDPOINT, { body, etag: '"1"', extra: { Age: '1800' } })
    const artifact = await engine.fetch({ url: new URL(tiers.origin.url('/f')) })
    assert.equal(artifact.as, 'revalidated')
    await readArtifact(artifact)
    assert.equal(here.parent.log().at(-1)?.headers['if-none-match'], '"1"')
    for await (const { validatedAt } of engine.list()) assert.ok(clock.now() - validatedAt >= HOUR / 2)
    // A parent whose copy is older than what the request wants is believed once, and not asked in circles.
    clock.move(2 * HOUR)
    here.parent.serve(ENDPOINT, { body, etag: '"1"', extra: { Age: '360000' } })
    await fetchFrom(engine, tiers.origin.url('/f'))
  })

  it('tells the parent the lifetime and the refresh of a request', async () => {
    tiers.origin.serve('/f', { body, etag: '"1"' })
    const { server } = await tiers.start()
    const engine = await child(server.url)
    await fetchFrom(engine, tiers.origin.url('/f'))
    await fetchFrom(engine, tiers.origin.url('/f'), { refresh: true })
    assert.deepEqual(
      tiers.origin.log('/f').map(({ headers }) => headers['if-none-match']),
      [undefined, '"1"'],
    )
    here.parent.serve(ENDPOINT, { body })
    await fetchFrom(await child(here.parent.url('/')), tiers.origin.url('/f'), { ttl: 60_000 })
    assert.match(here.parent.log()[0]?.path ?? '', /[?&]ttl=60000ms(&|$)/)
  })

  it('asks the parent for the content behind a name, and resolves the name itself', async () => {
    const named: UpstreamProvider = {
      name: 'named',
      priority: 1,
      matches: () => true,
      cacheKey: (url) => url,
      source: ({ url }) => Promise.resolve(url.pathname === '/latest' ? { url: new URL('/f', url) } : undefined),
    }
    tiers.origin.serve('/f', { body, etag: '"1"' })
    const { server, log } = await tiers.start()
    const engine = await child(server.url, {}, { providers: [named] })
    assert.ok((await fetchFrom(engine, tiers.origin.url('/latest'))).equals(body))
    assert.ok((await fetchFrom(engine, tiers.origin.url('/f'))).equals(body))
    assert.deepEqual([log.records.length, tiers.origin.log().length], [1, 1])
    assert.deepEqual(await downloadedBy(engine), [body.length, body.length])
  })

  it('passes over a circle of parents, or answers 508 if nothing but parents may be asked', async () => {
    tiers.origin.serve('/f', { body })
    for (const only of [false, true]) {
      const ports = await Promise.all([freePort(), freePort()])
      for (const [index, port] of ports.entries()) {
        const via = `kiss-${index}`
        const parents = { of: [{ to: [`http://127.0.0.1:${ports[1 - index]}/`] }], only }
        await tiers.start({ port, via }, { upstream: { guard: false, env: {}, via, parents }, retryFor: 20_000 })
      }
      const url = `http://127.0.0.1:${ports[0]}/api/v1/fetch?url=${encodeURIComponent(tiers.origin.url('/f'))}`
      assert.equal((await get(url)).status, only ? 508 : 200)
    }
    assert.equal(tiers.origin.log().length, 1)
  })
})

async function freePort(): Promise<number> {
  const origin = await Origin.start()
  const { port } = origin
  await origin.close()
  return port
}
