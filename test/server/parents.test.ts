import assert from 'node:assert/strict'
import type { Engine, FetchRequest } from '#kiss/engine/types.js'
import type { UpstreamProvider } from '#kiss/provider/types.js'
import type { Parents } from '#kiss/upstream/types.js'
import { Asker } from '../support/asking.js'
import { MovableClock, readArtifact, testEngines } from '../support/engine.js'
import { AS_KISS, bytes, latch, Origin, sha256 } from '../support/origin.js'
import { makeCertificates } from '../support/tls.js'
import { get } from './support/client.js'
import { engineServers } from './support/engine-servers.js'

const HOUR = 3_600_000

describe('a parent', () => {
  const tiers = engineServers()
  const engines = testEngines()
  const body = bytes('parent', 300_000)
  let lab: Origin
  beforeEach(async () => (lab = await Origin.start({ extra: AS_KISS })))
  afterEach(() => lab.close())

  const child = (to: string | readonly string[], more: Partial<Parents> = {}, options = {}): Promise<Engine> =>
    engines.engine({
      upstream: { guard: false, env: {}, parents: { of: [{ to: [to].flat() }], ...more } },
      retryFor: 3000,
      ...options,
    })
  const fetch = async (engine: Engine, url: string, request: Partial<FetchRequest> = {}): Promise<Buffer> =>
    readArtifact(await engine.fetch({ url: new URL(url), ...request }))
  const counts = async (engine: Engine): Promise<[all: number, parent: number]> => {
    const { downloaded, downloaded_parent: parent } = (await engine.status()).counts
    return [downloaded, parent]
  }
  /** A scripted parent: its fetch endpoint for `/f`. */
  const ENDPOINT = '/api/v1/fetch/f'

  it('is asked before the origin, and its bytes are counted as its own', async () => {
    tiers.origin.serve('/f', { body, etag: '"1"' })
    const { server } = await tiers.start()
    const [one, two] = [await child(server.url), await child(server.url)]
    assert.ok((await fetch(one, tiers.origin.url('/f'))).equals(body))
    assert.ok((await fetch(two, tiers.origin.url('/f'))).equals(body))
    assert.equal(tiers.origin.log().length, 1)
    assert.deepEqual([await counts(one), await counts(two)], Array(2).fill([body.length, body.length]))
  })

  it('streams while the bytes arrive there', async () => {
    const gate = latch()
    tiers.origin.script('/f', [{ body, stall: { after: 1000, until: gate.opened } }])
    const { server } = await tiers.start()
    const artifact = await (await child(server.url)).fetch({ url: new URL(tiers.origin.url('/f')) })
    assert.ok((await artifact.content.read(Buffer.alloc(1000), 0)) > 0)
    gate.open()
    assert.ok((await readArtifact(artifact)).equals(body))
  })

  it('is asked for the URLs of its pattern alone', async () => {
    lab.serve(ENDPOINT, { body })
    tiers.origin.serve('/other/f', { body })
    tiers.origin.serve('/f', { body })
    const match = `${tiers.origin.url('/other/')}**`
    const engine = await child([], { of: [{ match, to: [lab.url('/')] }] })
    await fetch(engine, tiers.origin.url('/f'))
    assert.equal(lab.log().length, 0)
    await fetch(engine, tiers.origin.url('/other/f'))
    assert.deepEqual([lab.log().length, tiers.origin.log('/other/f').length], [1, 0])
  })

  it('stands aside when it cannot be reached, is too slow or cannot give it', async () => {
    tiers.origin.serve('/f', { body })
    const gone = await Origin.start()
    const refused = gone.url('/')
    await gone.close()
    const broken = [408, 425, 429, 502, 503, 504, 507, 508, 500, 302].map((status) => ({ status, text: 'x' }))
    const silent = { hold: latch().opened }
    const begins = { body, etag: '"1"' }
    const mute = [{ stall: { after: 0 } }, { cut: { after: 0 } }].map((fault) => ({ ...begins, ...fault }))
    for (const step of [...broken, silent, ...mute, { drop: 'rst' as const }]) {
      lab.script(ENDPOINT, [step])
      const engine = await child(
        [refused, lab.url('/')],
        {},
        step === silent || 'stall' in step ? { retryFor: 300 } : {},
      )
      assert.ok((await fetch(engine, tiers.origin.url('/f'))).equals(body), JSON.stringify(step))
      assert.deepEqual(await counts(engine), [body.length, 0])
    }
  })

  it('is not believed if it does not say that it is a kiss server', async () => {
    tiers.origin.serve('/f', { body, etag: '"1"' })
    const page = { body: Buffer.from('<html>Welcome'), type: 'text/html', etag: '"1"' }
    const other = { 'Cache-Status': 'nginx; hit, kissing; fwd=miss' }
    const statuses = [204, 301, 400, 401, 403, 404, 410, 412, 416].map((status) => ({ status, text: 'x' }))
    for (const step of [page, { ...page, extra: other }, ...statuses]) {
      const stranger = await Origin.start()
      stranger.script(ENDPOINT, [step])
      const engine = await child(stranger.url('/'))
      assert.ok((await fetch(engine, tiers.origin.url('/f'))).equals(body), JSON.stringify(step))
      const only = await child(stranger.url('/'), { only: true }, { retryFor: 200 })
      const status = 'status' in step ? step.status : 200
      await assert.rejects(fetch(only, tiers.origin.url('/f')), {
        code: 'origin-unreachable',
        message: new RegExp(`: the parent ${stranger.url('/')} does not answer as a kiss server: status ${status}`),
      })
      assert.equal((await only.status()).entries, 0)
      await stranger.close()
    }
  })

  it('in whose place another web server answers is reported once, and rests', async () => {
    tiers.origin.serve('/f', { body, etag: '"1"' })
    // The headers are enough: no byte of the body comes.
    lab.script(ENDPOINT, [{ body, extra: { 'Cache-Status': 'nginx; hit' }, stall: { after: 0 } }])
    let now = 0
    const told: string[] = []
    const right = await tiers.start()
    const parents = { of: [{ to: [lab.url('/'), right.server.url] }] }
    const clock = { monotonic: () => now, sleep: async () => undefined }
    const asker = await Asker.open({ parents, warn: (line) => void told.push(line) }, { clock })
    const asked = async (): Promise<number> => {
      assert.ok((await asker.get(tiers.origin.url('/f'))).body.equals(body))
      return lab.log().length
    }
    const reported = `the parent ${lab.url('/')} answers, but not as kiss: status 200 without kiss in Cache-Status; asking it again in 10 s`
    assert.deepEqual([await asked(), await asked(), told], [1, 1, [reported]])
    now = 10_000
    assert.deepEqual([await asked(), await asked(), told], [2, 2, [reported]])
    now = 20_000
    lab.serve(ENDPOINT, { body, extra: AS_KISS })
    assert.deepEqual([await asked(), await asked()], [3, 4])
    assert.deepEqual(told, [reported, `the parent ${lab.url('/')} answers again`])
    await asker.close()
  })

  it('whose certificate is not accepted is reported once, and rests', async () => {
    tiers.origin.serve('/f', { body })
    const certificates = await makeCertificates()
    const parent = await Origin.start({ tls: certificates })
    const told: string[] = []
    const parents = { of: [{ to: [parent.url('/')] }] }
    const asker = await Asker.open({ parents, warn: (line) => void told.push(line) })
    for (let i = 0; i < 2; i++) assert.ok((await asker.get(tiers.origin.url('/f'))).body.equals(body))
    assert.equal(parent.connections, 1)
    const name = parent.url('/')
    assert.deepEqual(told, [
      `the parent ${name} cannot be trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE); asking it again in 10 s`,
    ])
    await Promise.all([asker.close(), parent.close(), certificates.remove()])
  })

  it('does not keep another place of its server from answering when it is none itself', async () => {
    tiers.origin.serve('/f', { body })
    lab.serve(`/wrong${ENDPOINT}`, { body, extra: { 'Cache-Status': 'nginx; hit' } })
    lab.serve(ENDPOINT, { body })
    const engine = await child([lab.url('/wrong/'), lab.url('/')])
    assert.ok((await fetch(engine, tiers.origin.url('/f'))).equals(body))
    assert.deepEqual([lab.log().length, tiers.origin.log().length], [2, 0])
  })

  it('is believed through a proxy that adds its own name', async () => {
    lab.serve(ENDPOINT, { body, extra: { 'Cache-Status': 'kiss; hit, squid;fwd=miss' } })
    assert.ok((await fetch(await child(lab.url('/')), tiers.origin.url('/f'))).equals(body))
    assert.equal(tiers.origin.log().length, 0)
  })

  it('that stalls in mid-body is continued by another parent, or by the origin if no other is left', async () => {
    tiers.origin.serve('/f', { body, etag: '"1"' })
    const second = await Origin.start({ extra: AS_KISS })
    for (const [places, from] of [
      [[lab, second], second],
      [[lab], tiers.origin],
    ] as const) {
      lab.script(ENDPOINT, [{ body, etag: '"1"', stall: { after: 1000 } }, { stall: { after: 0 } }])
      second.serve(ENDPOINT, { body, etag: '"1"' })
      const to = places.map((place) => place.url('/'))
      const upstream = { guard: false, env: {}, stallTimeout: 100, parents: { of: [{ to }] } }
      const engine = await engines.engine({ upstream, retryFor: 2000 })
      const before = from.log().length
      assert.ok((await fetch(engine, tiers.origin.url('/f'))).equals(body))
      assert.equal(from.log()[before]?.headers.range, from === second ? 'bytes=1000-' : undefined)
    }
    await second.close()
  })

  it('alone is asked with --parent-only, again and again, and what it cannot give fails', async () => {
    tiers.origin.serve('/f', { body })
    lab.script(ENDPOINT, [{ status: 503 }, { status: 502 }, { body }])
    assert.ok((await fetch(await child(lab.url('/'), { only: true }), tiers.origin.url('/f'))).equals(body))
    lab.script(ENDPOINT, [{ status: 503, text: '{"detail": "it is full"}' }])
    const failing = fetch(await child(lab.url('/'), { only: true }, { retryFor: 500 }), tiers.origin.url('/f'))
    await assert.rejects(failing, { code: 'origin-unreachable', message: /the parent .* cannot give it: it is full/ })
    assert.equal(tiers.origin.log().length, 0)
  })

  it('passes on the refusal of the origin, which is not asked again', async () => {
    tiers.origin.script('/f', [{ status: 404 }])
    const { server } = await tiers.start()
    const failing = fetch(await child(server.url), tiers.origin.url('/f'))
    await assert.rejects(failing, { code: 'origin-refused', status: 404, message: /\/f: the origin answered 404$/ })
    assert.equal(tiers.origin.log().length, 1)
  })

  it('refuses for itself with its own code', async () => {
    tiers.origin.serve('/f', { body })
    const { server } = await tiers.start({ access: { clientTokens: ['sesame-opens-this-door'] } })
    await assert.rejects(fetch(await child(server.url), tiers.origin.url('/f')), { code: 'client-forbidden' })
    const trusted = await child(server.url, { token: 'sesame-opens-this-door' })
    assert.ok((await fetch(trusted, tiers.origin.url('/f'))).equals(body))
  })

  it('continues a body that was cut by range with the validator', async () => {
    tiers.origin.serve('/f', { body })
    lab.script(ENDPOINT, [{ body, etag: '"1"', cut: { after: 100_000 } }, {}])
    const engine = await child(lab.url('/'))
    assert.ok((await fetch(engine, tiers.origin.url('/f'))).equals(body))
    const [, rest] = lab.log()
    assert.match(rest?.headers.range ?? '', /^bytes=\d{4,}-$/)
    assert.equal(rest?.headers['if-range'], '"1"')
    assert.deepEqual([lab.log().length, tiers.origin.log().length], [2, 0])
  })

  it('is continued by another parent with the same validator', async () => {
    tiers.origin.serve('/f', { body })
    const other = await Origin.start({ extra: AS_KISS })
    lab.script(ENDPOINT, [{ body, etag: '"1"', cut: { after: 100_000 } }, { drop: 'rst' }])
    other.serve(ENDPOINT, { body, etag: '"1"' })
    const engine = await child([lab.url('/'), other.url('/')])
    assert.ok((await fetch(engine, tiers.origin.url('/f'))).equals(body))
    assert.match(other.log()[0]?.headers.range ?? '', /^bytes=\d{4,}-$/)
    assert.equal(tiers.origin.log().length, 0)
    await other.close()
  })

  it('that dies in mid-body is followed by the origin, whose bytes are compared', async () => {
    lab.script(ENDPOINT, [{ body, etag: '"1"', cut: { after: 100_000 } }, { drop: 'rst' }])
    tiers.origin.serve('/f', { body, etag: '"1"' })
    assert.ok((await fetch(await child(lab.url('/')), tiers.origin.url('/f'))).equals(body))
    assert.equal(tiers.origin.log('/f')[0]?.headers.range, undefined)
    lab.script('/api/v1/fetch/g', [{ body, etag: '"1"', cut: { after: 100_000 } }, { drop: 'rst' }])
    tiers.origin.serve('/g', { body: bytes('else', 300_000), etag: '"2"' })
    await assert.rejects(fetch(await child(lab.url('/')), tiers.origin.url('/g')), { code: 'content-changed' })
  })

  it('whose origin announced a wrong length once gives the right bytes to the next request', async () => {
    const lie = { 'content-length': String(body.length + 1000) }
    tiers.origin.script('/f', [{ body, etag: '"1"', framing: 'chunked', headers: lie, cut: { after: 1000 } }, {}])
    const { server } = await tiers.start()
    const engine = await child(server.url, { only: true })
    await assert.rejects(fetch(engine, tiers.origin.url('/f')), { code: 'content-changed' })
    assert.ok((await fetch(engine, tiers.origin.url('/f'))).equals(body))
  })

  it('whose sum is not that of its bytes is not believed', async () => {
    const wrong = `sha-256=:${Buffer.from(sha256(bytes('x', 1)), 'hex').toString('base64')}:`
    lab.serve(ENDPOINT, { body, etag: '"1"', extra: { 'Repr-Digest': wrong } })
    const engine = await child(lab.url('/'))
    await assert.rejects(fetch(engine, tiers.origin.url('/f')), { code: 'digest-mismatch' })
    assert.equal((await engine.status()).entries, 0)
  })

  it('says how it served, before the Cache-Status of the child', async () => {
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

  it('gives its copy the age that it has there', async () => {
    lab.serve(ENDPOINT, { body, etag: '"1"', extra: { Age: '3600' } })
    const engine = await child(lab.url('/'), {}, { defaultTtl: 10 * HOUR })
    const before = Date.now()
    await fetch(engine, tiers.origin.url('/f'))
    for await (const { validatedAt, staleAt } of engine.list()) {
      assert.ok(Math.abs(before - HOUR - validatedAt) < 60_000)
      assert.equal(staleAt - validatedAt, 10 * HOUR)
    }
  })

  it('confirms a stale copy with the age that it has there', async () => {
    const clock = new MovableClock()
    lab.serve(ENDPOINT, { body, etag: '"1"' })
    const engine = await child(lab.url('/'), {}, { defaultTtl: HOUR, clock })
    await fetch(engine, tiers.origin.url('/f'))
    clock.move(2 * HOUR)
    lab.serve(ENDPOINT, { body, etag: '"1"', extra: { Age: '1800' } })
    const artifact = await engine.fetch({ url: new URL(tiers.origin.url('/f')) })
    assert.equal(artifact.as, 'revalidated')
    await readArtifact(artifact)
    assert.equal(lab.log().at(-1)?.headers['if-none-match'], '"1"')
    for await (const { validatedAt } of engine.list()) assert.ok(clock.now() - validatedAt >= HOUR / 2)
    // A parent whose copy is older than what the request wants is believed once, and not asked in circles.
    clock.move(2 * HOUR)
    lab.serve(ENDPOINT, { body, etag: '"1"', extra: { Age: '360000' } })
    await fetch(engine, tiers.origin.url('/f'))
  })

  it('hears the lifetime and the refresh of a request', async () => {
    tiers.origin.serve('/f', { body, etag: '"1"' })
    const { server } = await tiers.start()
    const engine = await child(server.url)
    await fetch(engine, tiers.origin.url('/f'))
    await fetch(engine, tiers.origin.url('/f'), { refresh: true })
    assert.deepEqual(
      tiers.origin.log('/f').map(({ headers }) => headers['if-none-match']),
      [undefined, '"1"'],
    )
    lab.serve(ENDPOINT, { body })
    await fetch(await child(lab.url('/')), tiers.origin.url('/f'), { ttl: 60_000 })
    assert.match(lab.log()[0]?.path ?? '', /[?&]ttl=60000ms(&|$)/)
  })

  it('is asked for the content behind a name, which the child knows itself', async () => {
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
    assert.ok((await fetch(engine, tiers.origin.url('/latest'))).equals(body))
    assert.ok((await fetch(engine, tiers.origin.url('/f'))).equals(body))
    assert.deepEqual([log.records.length, tiers.origin.log().length], [1, 1])
    assert.deepEqual(await counts(engine), [body.length, body.length])
  })

  it('is given the headers that the request passes on, and none that a provider lends', async () => {
    lab.serve(ENDPOINT, { body, etag: '"1"' })
    await fetch(await child(lab.url('/')), tiers.origin.url('/f'), { headers: { 'private-token': 'alice' } })
    const [asked] = lab.log()
    assert.equal(asked?.headers['private-token'], 'alice')
    assert.match(asked.path, /passheaders=private-token/)
  })

  it('keeps a private artifact private at each tier', async () => {
    tiers.origin.serve('/f', { body, etag: '"1"', requires: { 'private-token': 'alice' } })
    const above = await tiers.start()
    const parents = { of: [{ to: [above.server.url] }] }
    const below = await tiers.start({}, { upstream: { guard: false, env: {}, parents } })
    const ask = async (base: string, token?: string): Promise<number> =>
      (
        await get(`${base}api/v1/fetch?url=${encodeURIComponent(tiers.origin.url('/f'))}`, {
          headers: token === undefined ? {} : { 'private-token': token },
        })
      ).status
    assert.equal(await ask(below.server.url, 'alice'), 200)
    for (const base of [below.server.url, above.server.url]) {
      assert.deepEqual([await ask(base, 'mallory'), await ask(base)], [401, 401])
      assert.equal(await ask(base, 'alice'), 200)
    }
  })

  it('gets no credential over an open network', async () => {
    tiers.origin.serve('/f', { body, requires: { 'private-token': 'alice' } })
    const engine = await child('http://lab.example/')
    await fetch(engine, tiers.origin.url('/f'), { headers: { 'private-token': 'alice' } })
    const only = await child('http://lab.example/', { only: true })
    const failing = fetch(only, tiers.origin.url('/f'), { headers: { 'private-token': 'alice' } })
    await assert.rejects(failing, { code: 'upstream-forbidden', message: /lab\.example\/ unencrypted/ })
  })

  it('in a circle of parents is passed over, or is 508 where nothing but parents may be asked', async () => {
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

  it('that knows no credential leaves the origin to the one that is lent here, which it never sees', async () => {
    const rights = { 'private-token': 'lent' }
    tiers.origin.serve('/f', { body, requires: rights })
    const lender: UpstreamProvider = {
      name: 'lender',
      priority: 1,
      matches: () => true,
      cacheKey: (url) => url,
      authorise: (request) => Promise.resolve({ ...request, headers: { ...request.headers, ...rights } }),
      lends: () => true,
    }
    const { server } = await tiers.start()
    const engine = await child(server.url, {}, { providers: [lender] })
    assert.ok((await fetch(engine, tiers.origin.url('/f'))).equals(body))
    assert.deepEqual(
      tiers.origin.log('/f').map(({ status, headers }) => [status, headers['private-token']]),
      [
        [401, undefined],
        [200, 'lent'],
      ],
    )
    lab.serve(ENDPOINT, { body })
    await fetch(await child(lab.url('/'), {}, { providers: [lender] }), tiers.origin.url('/f'))
    assert.equal(lab.log()[0]?.headers['private-token'], undefined)
  })
})

async function freePort(): Promise<number> {
  const origin = await Origin.start()
  const { port } = origin
  await origin.close()
  return port
}
