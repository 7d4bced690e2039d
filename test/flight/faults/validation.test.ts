import assert from 'node:assert/strict'
import type { Engine } from '#kiss/engine/types.js'
import { MovableClock } from '../../support/engine.js'
import { bytes, latch, type Step } from '../../support/origin.js'
import { faultLab, matrix } from './lab.js'
import { until } from '../../support/until.js'

const LENGTH = 240_000
const old = bytes('old', 200_000)
const other = bytes('new', LENGTH)
const TTL = 1000

matrix('faults: validation', LENGTH, (lab) => {
  /** An engine with a stale entry of `/v`, and the number of requests for it. @param next answers of the origin from now on */
  async function stale(
    next: readonly Step[],
    served: Step = { etag: '"1"' },
  ): Promise<{ kiss: Engine; clock: MovableClock; before: number }> {
    const clock = new MovableClock()
    const kiss = await lab.engine({ clock })
    lab.origin.serve('/v', { body: old, ...served })
    await lab.get(kiss, '/v', { ttl: TTL })
    clock.move(TTL + 1)
    lab.origin.script('/v', [{ body: old, ...served, ...next[0] }, ...next.slice(1)])
    return { kiss, clock, before: lab.asked('/v').length }
  }

  for (const status of [404, 410]) {
    it(`passes a ${status} on the validation through and drops the entry`, async () => {
      const { kiss, before } = await stale([{ status }])
      const got = await lab.get(kiss, '/v')
      assert.deepEqual([got.code, got.status], ['origin-refused', status])
      assert.deepEqual(lab.asked('/v').slice(before), ['GET unless "1"'])
      assert.equal((await kiss.status()).entries, 0)
      assert.equal((await lab.get(kiss, '/v', { offline: true })).code, 'offline')
    })

    it(`drops the entry with the next request after a ${status} on the resume of its replacement`, async () => {
      const { kiss, before } = await stale([{ body: other, etag: '"2"', cut: { after: 10_000 } }, { status }])
      assert.equal((await lab.get(kiss, '/v')).status, status)
      assert.equal((await lab.get(kiss, '/v')).status, status)
      assert.equal((await kiss.status()).entries, 0)
      // The range, and once the whole.
      assert.equal(lab.asked('/v').length - before, 3)
    })
  }

  for (const status of [401, 403]) {
    it(`passes a ${status} on the validation through and keeps the entry`, async () => {
      const { kiss, clock } = await stale([{ status }, {}])
      assert.equal((await lab.get(kiss, '/v')).status, status)
      assert.equal((await kiss.status()).entries, 1)
      assert.ok((await lab.get(kiss, '/v', { offline: true })).body.equals(old))
      clock.move(10_001)
      assert.equal((await lab.get(kiss, '/v')).as, 'revalidated')
    })
  }

  for (const [name, fault] of Object.entries<Step>({
    'a 503': { status: 503 },
    'a 500': { status: 500 },
    'a 501': { status: 501 },
    'a dropped connection': { drop: 'fin' },
    'a reset': { drop: 'rst' },
  })) {
    it(`serves and keeps the stale entry after one attempt to validate it: ${name}`, async () => {
      const { kiss, before } = await stale([fault])
      const got = await lab.get(kiss, '/v')
      assert.ok(got.body.equals(old))
      assert.deepEqual([got.as, got.detail], ['stale', 'stale-if-error'])
      assert.equal(lab.asked('/v').length - before, 1)
      assert.equal((await kiss.status()).entries, 1)
    })
  }

  it('downloads the whole again and replaces the entry if it has no validator', async () => {
    const { kiss } = await stale([{ body: other }], {})
    assert.ok((await lab.get(kiss, '/v')).body.equals(other))
    lab.wasAsked('/v', ['GET', 'GET'])
  })

  it('validates an entry that has Last-Modified only by its date', async () => {
    const { kiss } = await stale([{}], { lastModified: 'Mon, 23 Nov 2026 10:00:00 GMT' })
    assert.equal((await lab.get(kiss, '/v')).as, 'revalidated')
    assert.equal(lab.origin.log('/v').at(-1)?.headers['if-modified-since'], 'Mon, 23 Nov 2026 10:00:00 GMT')
  })

  it('accepts a 304 for a weak ETag', async () => {
    const { kiss } = await stale([{}], { etag: 'W/"1"' })
    assert.equal((await lab.get(kiss, '/v')).as, 'revalidated')
  })

  it('resumes a replacement that is cut, and keeps the old entry until the new body is whole', async () => {
    const hold = latch()
    const next: Step[] = [{ body: other, etag: '"2"', cut: { after: 10_000 } }, { hold: hold.opened }]
    const { kiss, before } = await stale(next)
    const getting = lab.get(kiss, '/v')
    await lab.origin.requested('/v', before + 2)
    assert.ok((await lab.get(kiss, '/v', { offline: true })).body.equals(old))
    hold.open()
    assert.ok((await getting).body.equals(other))
    assert.deepEqual(lab.asked('/v').slice(before, before + 2), ['GET unless "1"', 'GET bytes=10000- if "2"'])
  })

  it('stores the newest content after one request if the replacement changes on the way', async () => {
    const newest = bytes('newest', 70_000)
    const { kiss, before } = await stale([
      { body: other, etag: '"2"', cut: { after: 10_000 } },
      { body: newest, etag: '"3"' },
    ])
    assert.equal((await lab.get(kiss, '/v')).code, 'content-changed')
    assert.ok((await lab.get(kiss, '/v')).body.equals(newest))
    assert.equal(
      lab
        .asked('/v')
        .slice(before)
        .filter((line) => !/bytes=\d+-\d/.test(line)).length,
      2,
    )
  })

  it('a private entry whose content changed is replaced for a client with a right to it', async () => {
    const clock = new MovableClock()
    const kiss = await lab.engine({ clock })
    const headers = { authorization: 'Bearer right' }
    lab.origin.serve('/v', { body: old, etag: '"1"', requires: headers })
    await lab.get(kiss, '/v', { ttl: TTL, headers })
    lab.origin.serve('/v', { body: other, etag: '"2"', requires: headers })
    clock.move(TTL + 1)
    assert.ok((await lab.get(kiss, '/v', { headers })).body.equals(other))
    assert.equal((await lab.get(kiss, '/v', { headers })).as, 'hit')
  })
})

describe('faults: what failed is remembered for ten seconds', () => {
  const lab = faultLab()
  const REMEMBERED: Readonly<Record<string, readonly [Step, number]>> = {
    '404': [{ status: 404 }, 404],
    '403': [{ status: 403 }, 403],
    '503, after all retries': [{ status: 503 }, 502],
    'a connection that is always dropped': [{ drop: 'fin' }, 502],
  }
  for (const [name, [fault, status]] of Object.entries(REMEMBERED)) {
    it(`remembers ${name} for ten seconds`, async () => {
      const clock = new MovableClock()
      const kiss = await lab.engine({ clock })
      lab.origin.script('/n', [fault])
      assert.equal((await lab.get(kiss, '/n')).status, status)
      const asked = lab.asked('/n').length
      assert.equal((await lab.get(kiss, '/n')).status, status)
      clock.move(9_000)
      assert.equal((await lab.get(kiss, '/n')).status, status)
      assert.equal(lab.asked('/n').length, asked)
      lab.origin.serve('/n', { body: old })
      clock.move(1_100)
      assert.ok((await lab.get(kiss, '/n')).body.equals(old))
    })
  }

  it('sends one request for many clients of a broken URL', async () => {
    const kiss = await lab.engine()
    lab.origin.script('/n', [{ status: 404 }])
    const all = await Promise.all(Array.from({ length: 50 }, () => lab.get(kiss, '/n')))
    assert.ok(all.every(({ status }) => status === 404))
    assert.equal(lab.asked('/n').length, 1)
  })

  it('remembers a failure for another process on the directory', async () => {
    const cacheDir = await lab.folder()
    const [a, b] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
    lab.origin.script('/n', [{ status: 404 }])
    for (const kiss of [a, b, b]) assert.deepEqual((await lab.get(kiss, '/n')).status, 404)
    assert.equal(lab.asked('/n').length, 1)
  })

  it('failures of authenticated requests are cached per credential', async () => {
    const kiss = await lab.engine()
    const right = { authorization: 'Bearer right' }
    lab.origin.script('/n', [{ body: old, etag: '"1"', requires: right }])
    assert.equal((await lab.get(kiss, '/n')).status, 401)
    assert.equal((await lab.get(kiss, '/n', { headers: { authorization: 'Bearer wrong' } })).status, 401)
    assert.ok((await lab.get(kiss, '/n', { headers: right })).body.equals(old))
    assert.equal((await lab.get(kiss, '/n')).status, 401)
    // The first, the wrong and the right one; what failed first is still remembered, but a private entry is there now.
    assert.ok(lab.asked('/n').length <= 4)
  })

  it('remembers a refusal for its credential alone across processes: a follower asks with its own', async () => {
    const cacheDir = await lab.folder()
    const [a, b] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
    const right = { authorization: 'Bearer right' }
    const hold = latch()
    lab.origin.script('/n', [
      { status: 401, hold: hold.opened },
      { body: old, etag: '"1"' },
    ])
    const refused = lab.get(a, '/n')
    await lab.origin.requested('/n')
    const served = lab.get(b, '/n', { headers: right })
    await following(b)
    hold.open()
    assert.equal((await refused).status, 401)
    assert.ok((await served).body.equals(old))
  })

  for (const [name, steps, code] of [
    [
      'changed content',
      [
        { body: old, etag: '"1"', cut: { after: 100 } },
        { body: other, etag: '"2"' },
      ],
      'content-changed',
    ],
    ['a wrong sum', [{ body: old, framing: 'chunked' }], 'digest-mismatch'],
  ] as const satisfies readonly (readonly [string, readonly Step[], string])[]) {
    it(`does not remember ${name}`, async () => {
      const kiss = await lab.engine()
      lab.origin.script('/n', steps)
      const promise = code === 'digest-mismatch' ? { sha256: '0'.repeat(64) } : {}
      assert.equal((await lab.get(kiss, '/n', promise)).code, code)
      assert.equal((await lab.get(kiss, '/n')).code, undefined)
    })
  }

  it('does not remember that an artifact was too large for the quota', async () => {
    const kiss = await lab.engine({ quota: 1000 })
    lab.origin.serve('/n', { body: old })
    assert.equal((await lab.get(kiss, '/n')).code, 'quota')
    assert.equal((await lab.get(kiss, '/n')).code, 'quota')
    assert.equal(lab.asked('/n').length, 2)
  })

  it('serves a fresh entry in spite of a remembered failure', async () => {
    const clock = new MovableClock()
    const kiss = await lab.engine({ clock })
    lab.origin.script('/n', [{ body: old, etag: '"1"' }, { status: 403 }])
    await lab.get(kiss, '/n')
    clock.move(2)
    assert.equal((await lab.get(kiss, '/n', { refresh: true })).status, 403)
    const got = await lab.get(kiss, '/n')
    assert.ok(got.as === 'hit' && got.body.equals(old))
  })

  it('ignores a remembered failure for a refresh', async () => {
    const kiss = await lab.engine()
    lab.origin.script('/n', [{ status: 404 }, { body: old }])
    assert.equal((await lab.get(kiss, '/n')).status, 404)
    assert.ok((await lab.get(kiss, '/n', { refresh: true })).body.equals(old))
  })

  it('forgets a failure after a purge', async () => {
    const cacheDir = await lab.folder()
    const [a, b] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
    lab.origin.script('/n', [{ status: 404 }, { body: old }])
    assert.equal((await lab.get(a, '/n')).status, 404)
    await a.purge({ urls: [new URL(lab.origin.url('/n'))] })
    assert.ok((await lab.get(b, '/n')).body.equals(old))
  })
})

/** Resolves when the engine has a download of its own or of another's under way. */
async function following(kiss: Engine): Promise<void> {
  await until('a download', async () => (await kiss.status()).downloads.some(({ state }) => state === 'downloading'))
}
