import assert from 'node:assert/strict'
import type { EngineOptions } from '#kiss/engine/types.js'
import { MovableClock, readArtifact } from '../../support/engine.js'
import { bytes, latch, sha256 } from '../../support/origin.js'
import { faultLab } from '../../flight/faults/lab.js'

const fresh = { 'cache-control': 'max-age=60' }

describe('an engine that stores as origins say', () => {
  const lab = faultLab()
  const body = bytes('by origin', 50_000)
  const engine = (options: Partial<EngineOptions> = {}) =>
    lab.engine({
      rules: [{ match: [lab.origin.url('/**')], freshness: 'origin', place: 'kiss.yaml:1' }],
      ...options,
    })
  const wire = (fields: Record<string, string> = {}) => ({ wire: { method: 'GET' as const, fields } })

  it('forgets every answer of a URL that is purged', async () => {
    lab.origin.serve('/a', { body, extra: { ...fresh, vary: 'foo' } })
    const kiss = await engine()
    await lab.get(kiss, '/a', wire({ foo: '1' }))
    await lab.get(kiss, '/a', wire({ foo: '2' }))
    assert.equal((await kiss.purge({ urls: [new URL(lab.origin.url('/a'))] })).removed, 2)
    assert.equal((await lab.get(kiss, '/a', wire({ foo: '1' }))).as, 'miss')
  })

  it('finds its answers again when the index is lost', async () => {
    lab.origin.serve('/a', { body, etag: '"1"', extra: { ...fresh, own: '1' } })
    const kiss = await engine()
    await lab.get(kiss, '/a', wire())
    await kiss.verify({ rebuild: true })
    const artifact = await lab.open(kiss, '/a', wire())
    assert.deepEqual([artifact.as, artifact.answer?.fields['own']], ['hit', '1'])
    await artifact.close('done')
  })

  it('serves stale answers where it is sealed, and asks nobody', async () => {
    const cacheDir = await lab.folder()
    lab.origin.serve('/a', { body, extra: { 'cache-control': 'max-age=0, must-revalidate', vary: 'foo' }, etag: '"1"' })
    await lab.get(await engine({ cacheDir }), '/a', wire({ foo: '1' }))
    const sealed = await engine({ cacheDir, sealed: true })
    assert.ok((await lab.get(sealed, '/a', wire({ foo: '1' }))).body.equals(body))
    assert.equal((await lab.get(sealed, '/a', wire({ foo: '2' }))).code, 'sealed')
    assert.equal(lab.origin.log('/a').length, 1)
  })

  it('keeps no body that is larger than the rule allows', async () => {
    lab.origin.serve('/a', { body, extra: fresh })
    lab.origin.serve('/chunked', { body, framing: 'chunked', extra: fresh })
    const rules = [{ match: [lab.origin.url('/**')], freshness: 'origin' as const, maxSize: 100, place: 'kiss.yaml:1' }]
    const kiss = await engine({ rules })
    for (const path of ['/a', '/chunked'])
      for (let i = 0; i < 2; i++) {
        const got = await lab.get(kiss, path, wire())
        assert.deepEqual([got.as, got.body.equals(body)], ['miss', true])
      }
  })

  it('stores no answer whose Vary names a credential of the request, and no credential', async () => {
    const extra = { 'cache-control': 'public, max-age=60', vary: 'foo, Authorization, X-Own' }
    lab.origin.serve('/a', { body, etag: '"1"', extra })
    const [kiss, own] = [await engine(), { 'x-own': 'hush' }]
    for (const secret of [{ authorization: 'Bearer hush' }, own])
      for (let i = 0; i < 2; i++)
        assert.equal((await lab.get(kiss, '/a', { ...wire(secret), headers: own })).as, 'miss')
    assert.equal((await kiss.status()).entries, 0)
    // Without a credential it is stored as any other answer.
    for (const as of ['miss', 'hit']) assert.equal((await lab.get(kiss, '/a', wire({ foo: '1' }))).as, as)
  })

  it('stores a time from which an answer is stale that a date can hold, whatever the clock and Age say', async () => {
    lab.origin.serve('/old', { body, etag: '"1"', extra: { ...fresh, age: '9'.repeat(20) } })
    lab.origin.serve('/set-back', { body, etag: '"1"', extra: fresh })
    const clock = new MovableClock()
    const kiss = await engine({ clock })
    await lab.get(kiss, '/old', wire())
    const artifact = await lab.open(kiss, '/set-back', wire())
    clock.step(-3_600_000)
    await readArtifact(artifact)
    await artifact.finished()
    for await (const { url, staleAt } of kiss.select({ all: true })) assert.equal(staleAt, 0, url)
    const old = await lab.open(kiss, '/old', wire())
    await old.close('done')
    assert.ok((old.answer?.cache.ttl ?? -Infinity) > -(2 ** 32))
  })

  for (const step of [-3_600_000, 3_600_000]) {
    it(`answers a request during whose validation the clock is set (by ${step / 1000} s)`, async () => {
      const clock = new MovableClock()
      const kiss = await engine({ clock })
      const hold = latch()
      const extra = { 'cache-control': 'no-cache' }
      lab.origin.script('/a', [{ body, etag: '"1"', extra }, { hold: hold.opened, extra }, { extra }])
      await lab.get(kiss, '/a', wire())
      const getting = lab.get(kiss, '/a', wire())
      await lab.origin.requested('/a', 2)
      clock.step(step)
      hold.open()
      const { as, body: got, code } = await getting
      assert.deepEqual([as, got.equals(body), code], ['revalidated', true, undefined])
      assert.ok(lab.asked('/a').length <= 3)
    })
  }

  it('takes a part by one connection: its bytes have other positions than those of the whole', async () => {
    for (const total of ['*', body.length] as const) {
      const path = `/part-${total}`
      lab.origin.script(path, [{ body, etag: '"1"', extra: fresh, throttle: 128 * 1024, partial: { total } }])
      const parallel = { connections: 4, least: 4096, smallest: 2048, largest: 4096, interval: 20, fast: Infinity }
      const kiss = await engine({ parallel })
      const got = await lab.get(kiss, path, wire({ range: 'bytes=1000-41999' }))
      assert.ok(got.body.equals(body.subarray(1000, 42_000)))
      assert.deepEqual(lab.asked(path), ['GET bytes=1000-41999'])
    }
  })

  it('goes on where a body was cut', async () => {
    lab.origin.script('/a', [{ body, etag: '"1"', extra: fresh, cut: { after: 20_000 } }, {}])
    const kiss = await engine()
    assert.ok((await lab.get(kiss, '/a', wire())).body.equals(body))
    assert.deepEqual(lab.asked('/a'), ['GET', 'GET bytes=20000- if "1"'])
  })

  it('takes a promised sum for a condition of stored, arriving and passing bodies', async () => {
    lab.origin.serve('/stored', { body, extra: fresh })
    lab.origin.serve('/passing', { body, extra: { 'cache-control': 'no-store' } })
    const kiss = await engine()
    for (const path of ['/stored', '/passing'])
      for (let i = 0; i < 2; i++) {
        assert.equal((await lab.get(kiss, path, { ...wire(), sha256: sha256(body) })).code, undefined)
        const other = await lab.get(kiss, path, { ...wire(), sha256: sha256(bytes('x', 1)) })
        assert.equal(other.code, 'digest-mismatch')
        assert.ok(other.body.length < body.length)
      }
  })

  describe('for those who want the artifact alone', () => {
    it('follows redirects, each by the rules of its URL, and gives no credential to another origin', async () => {
      lab.origin.script('/latest', [{ redirect: '/v2/a', headers: fresh }])
      lab.origin.serve('/v2/a', { body, extra: fresh })
      const kiss = await engine()
      for (const as of ['miss', 'hit']) {
        const got = await lab.get(kiss, '/latest')
        assert.deepEqual([got.as, got.body.equals(body)], [as, true])
      }
      assert.deepEqual([lab.asked('/latest').length, lab.asked('/v2/a').length], [1, 1])
      lab.origin.script('/round', [{ redirect: '/round' }])
      assert.equal((await lab.get(kiss, '/round')).status, 508)
    })

    it('takes every other answer for an error', async () => {
      lab.origin.script('/404', [{ status: 404, headers: fresh }])
      lab.origin.script('/503', [{ status: 503 }])
      const kiss = await engine()
      for (let i = 0; i < 2; i++) {
        const missing = await lab.get(kiss, '/404')
        assert.deepEqual([missing.code, missing.status], ['origin-refused', 404])
      }
      assert.equal(lab.asked('/404').length, 1)
      assert.equal((await lab.get(kiss, '/503')).code, 'origin-unreachable')
    })

    it('has what is stored offline, however stale', async () => {
      lab.origin.serve('/a', { body, etag: '"1"', extra: fresh })
      const clock = new MovableClock()
      const kiss = await engine({ clock })
      await lab.get(kiss, '/a')
      clock.move(3_600_000)
      assert.equal((await lab.get(kiss, '/a', { offline: true })).as, 'stale')
      assert.equal((await lab.get(kiss, '/a', { refresh: true })).as, 'revalidated')
      assert.equal((await lab.get(kiss, '/b', { offline: true })).code, 'offline')
    })
  })
})
