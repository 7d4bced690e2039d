/** Parents that are down, broken or no kiss servers, and bodies that they begin and do not end. */
import assert from 'node:assert/strict'
import { Asker } from '../support/asking.js'
import { AS_KISS, bytes, latch, Origin, sha256 } from '../support/origin.js'
import { makeCertificates } from '../support/tls.js'
import { downloadedBy, ENDPOINT, fetchFrom, parentLab } from './support/parents.js'

describe('an engine whose parent fails or is no kiss server', () => {
  const here = parentLab()
  const { tiers, child } = here
  const body = bytes('parent', 300_000)

  it('goes on to the next source if a parent cannot be reached, is too slow or cannot give the artifact', async () => {
    tiers.origin.serve('/f', { body })
    const gone = await Origin.start()
    const refused = gone.url('/')
    await gone.close()
    const broken = [408, 425, 429, 502, 503, 504, 507, 508, 500, 302].map((status) => ({ status, text: 'x' }))
    const silent = { hold: latch().opened }
    const begins = { body, etag: '"1"' }
    const mute = [{ stall: { after: 0 } }, { cut: { after: 0 } }].map((fault) => ({ ...begins, ...fault }))
    for (const step of [...broken, silent, ...mute, { drop: 'rst' as const }]) {
      here.parent.script(ENDPOINT, [step])
      const engine = await child(
        [refused, here.parent.url('/')],
        {},
        step === silent || 'stall' in step ? { retryFor: 300 } : {},
      )
      assert.ok((await fetchFrom(engine, tiers.origin.url('/f'))).equals(body), JSON.stringify(step))
      assert.deepEqual(await downloadedBy(engine), [body.length, 0])
    }
  })

  it('does not believe an answer that does not say that it comes from a kiss server', async () => {
    tiers.origin.serve('/f', { body, etag: '"1"' })
    const page = { body: Buffer.from('<html>Welcome'), type: 'text/html', etag: '"1"' }
    const other = { 'Cache-Status': 'nginx; hit, kissing; fwd=miss' }
    const statuses = [204, 301, 400, 401, 403, 404, 410, 412, 416].map((status) => ({ status, text: 'x' }))
    for (const step of [page, { ...page, extra: other }, ...statuses]) {
      const stranger = await Origin.start()
      stranger.script(ENDPOINT, [step])
      const engine = await child(stranger.url('/'))
      assert.ok((await fetchFrom(engine, tiers.origin.url('/f'))).equals(body), JSON.stringify(step))
      const only = await child(stranger.url('/'), { only: true }, { retryFor: 200 })
      const status = 'status' in step ? step.status : 200
      await assert.rejects(fetchFrom(only, tiers.origin.url('/f')), {
        code: 'origin-unreachable',
        message: new RegExp(`: the parent ${stranger.url('/')} does not answer as a kiss server: status ${status}`),
      })
      assert.equal((await only.status()).entries, 0)
      await stranger.close()
    }
  })

  it('reports a parent in whose place another web server answers once, and lets it rest', async () => {
    tiers.origin.serve('/f', { body, etag: '"1"' })
    // The headers are enough: no byte of the body comes.
    here.parent.script(ENDPOINT, [{ body, extra: { 'Cache-Status': 'nginx; hit' }, stall: { after: 0 } }])
    let now = 0
    const told: string[] = []
    const right = await tiers.start()
    const parents = { of: [{ to: [here.parent.url('/'), right.server.url] }] }
    const clock = { monotonic: () => now, sleep: async () => undefined }
    const asker = await Asker.open({ parents, warn: (line) => void told.push(line) }, { clock })
    const asked = async (): Promise<number> => {
      assert.ok((await asker.get(tiers.origin.url('/f'))).body.equals(body))
      return here.parent.log().length
    }
    const reported = `the parent ${here.parent.url('/')} answers, but not as kiss: status 200 without kiss in Cache-Status; asking it again in 10 s`
    assert.deepEqual([await asked(), await asked(), told], [1, 1, [reported]])
    now = 10_000
    assert.deepEqual([await asked(), await asked(), told], [2, 2, [reported]])
    now = 20_000
    here.parent.serve(ENDPOINT, { body, extra: AS_KISS })
    assert.deepEqual([await asked(), await asked()], [3, 4])
    assert.deepEqual(told, [reported, `the parent ${here.parent.url('/')} answers again`])
    await asker.close()
  })

  it('reports a parent whose certificate is not accepted once, and lets it rest', async () => {
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

  it('asks another path of the same server after one path turned out to be no kiss server', async () => {
    tiers.origin.serve('/f', { body })
    here.parent.serve(`/wrong${ENDPOINT}`, { body, extra: { 'Cache-Status': 'nginx; hit' } })
    here.parent.serve(ENDPOINT, { body })
    const engine = await child([here.parent.url('/wrong/'), here.parent.url('/')])
    assert.ok((await fetchFrom(engine, tiers.origin.url('/f'))).equals(body))
    assert.deepEqual([here.parent.log().length, tiers.origin.log().length], [2, 0])
  })

  it('believes a parent behind a proxy that adds its own name', async () => {
    here.parent.serve(ENDPOINT, { body, extra: { 'Cache-Status': 'kiss; hit, squid;fwd=miss' } })
    assert.ok((await fetchFrom(await child(here.parent.url('/')), tiers.origin.url('/f'))).equals(body))
    assert.equal(tiers.origin.log().length, 0)
  })

  it('continues from another parent, or from the origin if no other is left, when a parent stalls in mid-body', async () => {
    tiers.origin.serve('/f', { body, etag: '"1"' })
    const second = await Origin.start({ extra: AS_KISS })
    for (const [places, from] of [
      [[here.parent, second], second],
      [[here.parent], tiers.origin],
    ] as const) {
      here.parent.script(ENDPOINT, [{ body, etag: '"1"', stall: { after: 1000 } }, { stall: { after: 0 } }])
      second.serve(ENDPOINT, { body, etag: '"1"' })
      const to = places.map((place) => place.url('/'))
      const upstream = { guard: false, env: {}, stallTimeout: 100, parents: { of: [{ to }] } }
      const engine = await child(to, {}, { upstream, retryFor: 2000 })
      const before = from.log().length
      assert.ok((await fetchFrom(engine, tiers.origin.url('/f'))).equals(body))
      assert.equal(from.log()[before]?.headers.range, from === second ? 'bytes=1000-' : undefined)
    }
    await second.close()
  })

  it('continues a body that the parent cut by range with the validator', async () => {
    tiers.origin.serve('/f', { body })
    here.parent.script(ENDPOINT, [{ body, etag: '"1"', cut: { after: 100_000 } }, {}])
    const engine = await child(here.parent.url('/'))
    assert.ok((await fetchFrom(engine, tiers.origin.url('/f'))).equals(body))
    const [, rest] = here.parent.log()
    assert.match(rest?.headers.range ?? '', /^bytes=\d{4,}-$/)
    assert.equal(rest?.headers['if-range'], '"1"')
    assert.deepEqual([here.parent.log().length, tiers.origin.log().length], [2, 0])
  })

  it('continues a body that one parent cut from another parent with the same validator', async () => {
    tiers.origin.serve('/f', { body })
    const other = await Origin.start({ extra: AS_KISS })
    here.parent.script(ENDPOINT, [{ body, etag: '"1"', cut: { after: 100_000 } }, { drop: 'rst' }])
    other.serve(ENDPOINT, { body, etag: '"1"' })
    const engine = await child([here.parent.url('/'), other.url('/')])
    assert.ok((await fetchFrom(engine, tiers.origin.url('/f'))).equals(body))
    assert.match(other.log()[0]?.headers.range ?? '', /^bytes=\d{4,}-$/)
    assert.equal(tiers.origin.log().length, 0)
    await other.close()
  })

  it('compares the bytes of the origin with those of a parent that died in mid-body', async () => {
    here.parent.script(ENDPOINT, [{ body, etag: '"1"', cut: { after: 100_000 } }, { drop: 'rst' }])
    tiers.origin.serve('/f', { body, etag: '"1"' })
    assert.ok((await fetchFrom(await child(here.parent.url('/')), tiers.origin.url('/f'))).equals(body))
    assert.equal(tiers.origin.log('/f')[0]?.headers.range, undefined)
    here.parent.script('/api/v1/fetch/g', [{ body, etag: '"1"', cut: { after: 100_000 } }, { drop: 'rst' }])
    tiers.origin.serve('/g', { body: bytes('else', 300_000), etag: '"2"' })
    await assert.rejects(fetchFrom(await child(here.parent.url('/')), tiers.origin.url('/g')), {
      code: 'content-changed',
    })
  })

  it('gets the right bytes from a parent in the request after one for which the origin announced a wrong length', async () => {
    const lie = { 'content-length': String(body.length + 1000) }
    tiers.origin.script('/f', [{ body, etag: '"1"', framing: 'chunked', headers: lie, cut: { after: 1000 } }, {}])
    const { server } = await tiers.start()
    const engine = await child(server.url, { only: true })
    await assert.rejects(fetchFrom(engine, tiers.origin.url('/f')), { code: 'content-changed' })
    assert.ok((await fetchFrom(engine, tiers.origin.url('/f'))).equals(body))
  })

  it('does not believe a body whose sum is not the one that the parent named', async () => {
    const wrong = `sha-256=:${Buffer.from(sha256(bytes('x', 1)), 'hex').toString('base64')}:`
    here.parent.serve(ENDPOINT, { body, etag: '"1"', extra: { 'Repr-Digest': wrong } })
    const engine = await child(here.parent.url('/'))
    await assert.rejects(fetchFrom(engine, tiers.origin.url('/f')), { code: 'digest-mismatch' })
    assert.equal((await engine.status()).entries, 0)
  })
})
