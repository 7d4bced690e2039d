import assert from 'node:assert/strict'
import { MovableClock } from '../../support/engine.js'
import { bytes, latch, sha256 } from '../../support/origin.js'
import { faultLab } from '../../flight/faults/lab.js'
import type { Rule } from '#kiss/engine/rules/rules.js'

const MINUTE = 60_000

describe('an engine with rules', () => {
  const lab = faultLab()
  const body = bytes('ruled', 20_000)
  const rule = (match: string, more: Partial<Rule>): Rule => ({
    match: [lab.origin.url(match)],
    place: 'kiss.yaml:1',
    ...more,
  })

  it('keeps what it stores for as long as the rule says, and no longer for a client that asks for more', async () => {
    lab.origin.serve('/latest/a', { body, etag: '"1"' })
    const clock = new MovableClock()
    const kiss = await lab.engine({ clock, rules: [rule('/latest/**', { ttl: 5 * MINUTE })] })
    const first = await lab.get(kiss, '/latest/a', { ttl: 60 * MINUTE })
    assert.equal(first.entry?.lifetime, 5 * MINUTE)
    clock.move(4 * MINUTE)
    assert.equal((await lab.get(kiss, '/latest/a', { ttl: 60 * MINUTE })).as, 'hit')
    assert.equal((await lab.get(kiss, '/latest/a', { ttl: MINUTE })).as, 'revalidated')
    clock.move(6 * MINUTE)
    assert.equal((await lab.get(kiss, '/latest/a', { ttl: 60 * MINUTE })).as, 'revalidated')
  })

  it('holds an entry to a rule that came after it', async () => {
    lab.origin.serve('/a', { body, etag: '"1"' })
    const clock = new MovableClock()
    const kiss = await lab.engine({ clock })
    await lab.get(kiss, '/a')
    await kiss.reconfigure({ rules: [rule('/a', { ttl: MINUTE })] })
    clock.move(2 * MINUTE)
    assert.equal((await lab.get(kiss, '/a')).as, 'revalidated')
    assert.equal((await lab.get(kiss, '/a')).entry?.lifetime, MINUTE)
    await kiss.reconfigure({ rules: [rule('/a', { ttl: 90 * MINUTE })] })
    clock.move(2 * MINUTE)
    assert.equal((await lab.get(kiss, '/a')).entry?.lifetime, 90 * MINUTE)
    await kiss.reconfigure({ rules: [] })
    clock.move(80 * MINUTE)
    assert.equal((await lab.get(kiss, '/a')).as, 'hit')
  })

  it('serves stale while the origin is down for as long as the rule says', async () => {
    lab.origin.script('/a', [{ body, etag: '"1"' }, { status: 503 }])
    const clock = new MovableClock()
    const rules = [rule('/a', { ttl: MINUTE, staleIfError: 10 * MINUTE })]
    const kiss = await lab.engine({ clock, rules })
    await lab.get(kiss, '/a')
    clock.move(5 * MINUTE)
    assert.equal((await lab.get(kiss, '/a')).as, 'stale')
    clock.move(10 * MINUTE)
    assert.equal((await lab.get(kiss, '/a')).code, 'origin-unreachable')
  })

  it('stores nothing where the rule says never, and asks the origin for every request', async () => {
    lab.origin.serve('/a', { body, etag: '"1"' })
    const kiss = await lab.engine({ rules: [rule('/a', { store: 'never' })] })
    for (let i = 0; i < 2; i++) {
      const got = await lab.get(kiss, '/a')
      assert.deepEqual([got.as, got.body.equals(body), got.entry], ['miss', true, undefined])
    }
    assert.deepEqual(lab.asked('/a'), ['GET', 'GET'])
    assert.equal((await lab.get(kiss, '/a', { offline: true })).code, 'offline')
  })

  it('serves a body that is larger than the rule allows, and does not keep it', async () => {
    lab.origin.serve('/known', { body, etag: '"1"' })
    lab.origin.serve('/chunked', { body, etag: '"1"', framing: 'chunked' })
    lab.origin.serve('/fits', { body: body.subarray(0, 10), etag: '"1"' })
    const kiss = await lab.engine({ rules: [rule('/**', { maxSize: 10_000 })] })
    for (const path of ['/known', '/chunked']) {
      const got = await lab.get(kiss, path)
      assert.deepEqual([got.body.equals(body), got.entry], [true, undefined], path)
    }
    assert.equal((await lab.get(kiss, '/fits')).entry?.size, 10)
  })

  it('downloads no more URLs of a rule at once than it allows', async () => {
    const gate = latch()
    for (const path of ['/a', '/b', '/other']) lab.origin.script(path, [{ body, etag: '"1"', hold: gate.opened }])
    const kiss = await lab.engine({
      rules: [{ ...rule('/a', { connections: 1 }), match: [lab.origin.url('/a'), lab.origin.url('/b')] }],
    })
    const first = lab.get(kiss, '/a')
    await lab.origin.requested('/a')
    const both = [first, lab.get(kiss, '/b')]
    const other = lab.get(kiss, '/other')
    await lab.origin.requested('/other')
    assert.equal(lab.origin.log('/b').length, 0)
    gate.open()
    assert.deepEqual(
      (await Promise.all([...both, other])).map(({ code }) => code),
      [undefined, undefined, undefined],
    )
  })

  describe('and a sum beside each artifact', () => {
    const sums = (...bodies: Buffer[]) => bodies.map((content) => ({ body: Buffer.from(`${sha256(content)}  a\n`) }))
    const rules = () => [rule('/**', { sha256From: 'SHA256SUMS' })]

    it('takes the sum for a promise, and fetches it through the cache', async () => {
      lab.origin.serve('/a', { body, etag: '"1"' })
      lab.origin.script('/SHA256SUMS', sums(body))
      const kiss = await lab.engine({ rules: rules() })
      for (const as of ['miss', 'hit']) assert.equal((await lab.get(kiss, '/a')).as, as)
      assert.deepEqual(lab.asked('/SHA256SUMS'), ['GET'])
    })

    it('gives no client the last byte of what the sum does not name', async () => {
      lab.origin.serve('/a', { body, etag: '"1"' })
      lab.origin.script('/SHA256SUMS', sums(bytes('other', 5)))
      const kiss = await lab.engine({ rules: rules() })
      const got = await lab.get(kiss, '/a')
      assert.equal(got.code, 'digest-mismatch')
      assert.ok(got.body.length < body.length)
    })

    it('asks the origin for the artifact again when the sum has changed', async () => {
      const anew = bytes('anew', 100)
      lab.origin.script('/a', [
        { body, etag: '"1"' },
        { body: anew, etag: '"2"' },
      ])
      lab.origin.script('/SHA256SUMS', sums(body, anew))
      const clock = new MovableClock()
      const kiss = await lab.engine({ clock, rules: rules() })
      await lab.get(kiss, '/a')
      clock.move(2 * MINUTE)
      assert.ok((await lab.get(kiss, '/a')).body.equals(anew))
    })

    it('fails where there is no sum, or the client was promised another', async () => {
      lab.origin.serve('/a', { body, etag: '"1"' })
      lab.origin.script('/SHA256SUMS', [{ status: 404 }, { body: Buffer.from('nothing') }])
      const kiss = await lab.engine({ rules: rules() })
      assert.equal((await lab.get(kiss, '/a')).status, 404)
      const none = await lab.get(kiss, '/a', { refresh: true })
      assert.deepEqual([none.code, none.status], ['digest-mismatch', 502])
      lab.origin.script('/SHA256SUMS', sums(body))
      const other = await lab.get(kiss, '/a', { refresh: true, sha256: sha256(bytes('x', 1)) })
      assert.equal(other.code, 'digest-mismatch')
      assert.equal(lab.origin.log('/a').length, 0)
    })
  })
})
