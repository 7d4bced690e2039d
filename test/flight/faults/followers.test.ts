import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MovableClock } from '../../support/engine.js'
import { bytes, latch, sha256, type Logged, type Step } from '../../support/origin.js'
import { matrix, readUpTo } from './lab.js'
import { until } from '../../support/until.js'

const LENGTH = 1_000_000
const HALF = 500_000
const body = bytes('followers', LENGTH)
const other = bytes('other', LENGTH)
const cut = { after: HALF }

const isStrangers = ({ method, headers }: Logged): boolean => method === 'GET' && headers.authorization === undefined

matrix('faults: engines that follow', LENGTH, (lab) => {
  const faults: Readonly<Record<string, readonly Step[]>> = {
    'a cut': [{ body, etag: '"1"', cut }, {}],
    'a cut without a validator': [{ body, cut }, {}],
    'a body without length': [{ body, framing: 'chunked' }],
    'a body that ends with its connection': [{ body, framing: 'close', refusesHead: true }],
    'a 503 first': [{ status: 503 }, { body, etag: '"1"' }],
    'an empty body': [{ body: Buffer.alloc(0) }],
    'one byte': [{ body: Buffer.from('x') }],
  }
  for (const [name, steps] of Object.entries(faults)) {
    it(`gives the readers of three engines every byte of one download: ${name}`, async () => {
      const cacheDir = await lab.folder()
      const engines = await Promise.all([1, 2, 3].map(() => lab.engine({ cacheDir })))
      lab.origin.script('/f', steps)
      const all = await Promise.all(engines.flatMap((kiss) => [lab.get(kiss, '/f'), lab.get(kiss, '/f')]))
      const whole = steps.find((step) => step.body)?.body as Buffer
      assert.ok(all.every((got) => got.code === undefined && got.body.equals(whole)))
      const gets = lab.asked('/f').filter((line) => line.startsWith('GET'))
      if (lab.segmentsAsked('/f') === 0) assert.equal(gets.length, steps.length)
      else assert.equal(gets.filter((line) => line === 'GET').length, name === 'a 503 first' ? 2 : 1)
      assert.equal(all.filter(({ as }) => as === 'miss').length, 1)
    })
  }

  for (const [name, step, code, status] of [
    ['a 404', { status: 404 }, 'origin-refused', 404],
    ['a 503 for ever', { status: 503 }, 'origin-unreachable', 502],
    ['more than the quota', { body }, 'quota', 507],
  ] as const satisfies readonly (readonly [string, Step, string, number])[]) {
    it(`tells every engine of a failure after one request: ${name}`, async () => {
      const cacheDir = await lab.folder()
      const engines = await Promise.all([1, 2, 3].map(() => lab.engine({ cacheDir, quota: 1000 })))
      const hold = latch()
      lab.origin.script('/f', [{ ...step, hold: hold.opened }, step])
      const all = engines.map((kiss) => lab.get(kiss, '/f'))
      await lab.origin.requested('/f')
      hold.open()
      for (const got of await Promise.all(all)) assert.deepEqual([got.code, got.status], [code, status])
      assert.ok(lab.asked('/f').length <= (status === 404 ? 1 : status === 502 ? 60 : 3))
    })
  }

  it('content that changed cuts the readers of every engine short, and the next get the new', async () => {
    const cacheDir = await lab.folder()
    const engines = await Promise.all([1, 2, 3].map(() => lab.engine({ cacheDir })))
    const hold = latch()
    lab.origin.script('/f', [
      { body, etag: '"1"', cut },
      { body: other, etag: '"2"', hold: hold.opened },
    ])
    const first = lab.get(engines[0]!, '/f')
    await lab.origin.requested('/f')
    const artifacts = await Promise.all(engines.slice(1).map((kiss) => lab.open(kiss, '/f')))
    await Promise.all(artifacts.map((artifact) => readUpTo(artifact, HALF)))
    hold.open()
    assert.equal((await first).code, 'content-changed')
    for (const artifact of artifacts) {
      await assert.rejects(readUpTo(artifact, LENGTH, HALF), { code: 'content-changed' })
      await artifact.close('aborted')
    }
    for (const kiss of engines) assert.ok((await lab.get(kiss, '/f')).body.equals(other))
    lab.wasAsked('/f', 2)
  })

  it('a validation by one is a validation for all', async () => {
    const clock = new MovableClock()
    const cacheDir = await lab.folder()
    const engines = await Promise.all([1, 2, 3].map(() => lab.engine({ cacheDir, clock })))
    const hold = latch()
    lab.origin.serve('/f', { body, etag: '"1"' })
    await lab.get(engines[0]!, '/f', { ttl: 1000 })
    const before = lab.asked('/f').length
    lab.origin.script('/f', [{ body, etag: '"1"', hold: hold.opened }])
    clock.move(1001)
    const all = engines.map((kiss) => lab.get(kiss, '/f'))
    await lab.origin.requested('/f', before + 1)
    hold.open()
    for (const got of await Promise.all(all)) {
      // Who looked late found it fresh.
      assert.ok(got.as === 'revalidated' || got.as === 'hit', got.as)
      assert.ok(got.body.equals(body))
    }
    assert.deepEqual(lab.asked('/f').slice(before), ['GET unless "1"'])
  })

  it('an owner that is silent for half a minute, as another clock has it, is not waited for; it stores nothing', async () => {
    const cacheDir = await lab.folder()
    const clock = new MovableClock()
    const [owner, kiss] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir, clock })]
    const wake = latch()
    lab.origin.script('/f', [
      { body, etag: '"1"', stall: { after: HALF, until: wake.opened } },
      { body: other, etag: '"2"' },
    ])
    const slow = lab.get(owner, '/f')
    await lab.origin.requested('/f')
    await readUpTo(await lab.open(owner, '/f'), HALF)
    clock.move(31_000)
    assert.ok((await lab.get(kiss, '/f')).body.equals(other))
    wake.open()
    const got = await slow
    assert.ok(got.body.equals(body))
    assert.equal(got.entry, undefined)
    const after = await lab.get(owner, '/f')
    // As this clock has it, the entry is from the future.
    assert.ok(after.as === 'revalidated' && after.body.equals(other))
  })

  it('a follower that comes too late for the file reads what became of it', async () => {
    // Many small ones: some of them are stored and their folder is gone before the other engine has looked into it.
    const cacheDir = await lab.folder()
    const [a, b] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
    for (let i = 0; i < 50; i++) {
      const small = bytes(`small ${i}`, 100 + i)
      lab.origin.serve(`/f${i}`, { body: small, framing: i % 2 ? 'chunked' : 'length' })
      const [one, two] = await Promise.all([lab.get(a, `/f${i}`), lab.get(b, `/f${i}`)])
      assert.ok(one.body.equals(small) && two.body.equals(small))
      assert.equal(lab.asked(`/f${i}`).length, 1)
    }
  })

  describe('the private download of another process', () => {
    const right = { authorization: 'Bearer right' }
    const also = { authorization: 'Bearer also right' }

    it('joins the private download of another process with another accepted credential, for one body', async () => {
      const cacheDir = await lab.folder()
      const [a, b] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
      const until = latch()
      lab.origin.script('/f', [{ body, etag: '"1"', stall: { after: HALF, until: until.opened } }])
      const first = lab.get(a, '/f', { headers: right })
      await lab.origin.requested('/f')
      const joined = await lab.open(b, '/f', { headers: also })
      assert.equal(joined.detail, 'authorised')
      until.open()
      assert.ok((await readUpTo(joined, LENGTH)).equals(body))
      await joined.close('done')
      assert.ok((await first).body.equals(body))
      assert.deepEqual(
        lab.asked('/f').filter((line) => line === 'GET'),
        ['GET'],
      )
    })

    it('goes on with the credential of the download if a client with it joined another worker of the server', async () => {
      const shared = { cacheDir: await lab.folder(), credentialKey: 'of the server' }
      const [a, b] = [await lab.engine(shared), await lab.engine(shared)]
      lab.origin.script('/f', [{ body, etag: '"1"', requires: right, stall: { after: HALF } }, {}])
      const first = lab.get(a, '/f', { headers: right })
      await lab.origin.requested('/f')
      await readUpTo(await lab.open(a, '/f', { headers: right }), HALF)
      // The request of a stranger makes this process follow the download.
      assert.equal((await lab.get(b, '/f')).status, 401)
      const joined = await lab.open(b, '/f', { headers: right })
      assert.ok((await readUpTo(joined, HALF)).equals(body.subarray(0, HALF)))
      await a.close()
      assert.equal((await first).code, 'interrupted')
      assert.ok((await readUpTo(joined, LENGTH, HALF)).equals(body.subarray(HALF)))
      await joined.close('done')
    })

    for (const how of ['stopped in good order', 'silent'] as const) {
      it(`gives a stranger nothing when its owner is ${how} and the stranger’s process goes on`, async () => {
        const cacheDir = await lab.folder()
        const clock = new MovableClock()
        const [a, b] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir, clock })]
        const hold = latch()
        lab.origin.script('/f', [
          { body, etag: '"1"', requires: right, stall: { after: HALF, until: hold.opened } },
          { hold: hold.opened },
        ])
        const first = lab.get(a, '/f', { headers: right })
        await lab.origin.requested('/f')
        await readUpTo(await lab.open(a, '/f', { headers: right }), HALF)
        const early = await lab.get(b, '/f')
        assert.deepEqual([early.body.length, early.code, early.status], [0, 'origin-refused', 401])
        if (how === 'silent') clock.move(31_000)
        else await a.close()
        // The stranger's process has the lease now, and asks the origin with nothing in hand.
        await until('a download without a credential', () => lab.origin.log('/f').some(isStrangers))
        const stranger = lab.get(b, '/f', { headers: { authorization: 'Bearer wrong' } })
        const nobody = lab.get(b, '/f', { refresh: true })
        hold.open()
        for (const got of [await stranger, await nobody])
          assert.deepEqual([got.body.length, got.code, got.status], [0, 'origin-refused', 401])
        const own = await lab.get(b, '/f', { headers: right })
        assert.deepEqual([own.code, own.body.equals(body)], [undefined, true])
        assert.equal((await lab.get(b, '/f')).body.length, 0)
        await first
      })
    }
  })

  it('a public download that a refused client made this process follow goes on without its credential for a client without one', async () => {
    const cacheDir = await lab.folder()
    const [a, b] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
    lab.origin.script('/f', [{ body, etag: '"1"', stall: { after: HALF } }, {}])
    const first = lab.get(a, '/f')
    await lab.origin.requested('/f')
    await readUpTo(await lab.open(a, '/f'), HALF)
    await lab.open(b, '/f', { headers: { authorization: 'Bearer wrong' } })
    const joined = await lab.open(b, '/f')
    assert.ok((await readUpTo(joined, HALF)).equals(body.subarray(0, HALF)))
    await a.close()
    assert.equal((await first).code, 'interrupted')
    assert.ok((await readUpTo(joined, LENGTH, HALF)).equals(body.subarray(HALF)))
    await joined.close('done')
    assert.ok(lab.origin.log('/f').every(({ headers }) => headers.authorization === undefined))
  })

  it('private bytes of a silent owner are shown to no client that the origin gives other bytes', async () => {
    const cacheDir = await lab.folder()
    const clock = new MovableClock()
    const [a, b] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir, clock })]
    const right = { authorization: 'Bearer right' }
    const hold = latch()
    // No tag tells the two bodies apart.
    lab.origin.script('/f', [
      { body, requires: right, stall: { after: HALF, until: hold.opened } },
      { body: other, requires: {}, stall: { after: 1000, until: hold.opened } },
      {},
    ])
    const first = lab.get(a, '/f', { headers: right })
    await lab.origin.requested('/f')
    await readUpTo(await lab.open(a, '/f', { headers: right }), HALF)
    assert.equal((await lab.get(b, '/f')).status, 401)
    clock.move(31_000)
    const [key = ''] = await readdir(join(cacheDir, 'transfers'))
    await until('the head of a second download', () => existsSync(join(cacheDir, 'transfers', key, '2', 'head.json')))
    const nobody = await lab.open(b, '/f')
    assert.ok((await readUpTo(nobody, 1000)).equals(other.subarray(0, 1000)))
    hold.open()
    assert.ok((await readUpTo(nobody, LENGTH, 1000)).equals(other.subarray(1000)))
    await nobody.close('done')
    assert.ok((await first).body.equals(body))
  })

  it('private bytes that were taken over are shown to no client before the origin has confirmed them', async () => {
    const cacheDir = await lab.folder()
    const [a, b] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
    const right = { authorization: 'Bearer right' }
    const hold = latch()
    lab.origin.script('/f', [{ body, etag: '"1"', requires: right, stall: { after: HALF } }, { hold: hold.opened }])
    const first = lab.get(a, '/f', { headers: right })
    await lab.origin.requested('/f')
    await readUpTo(await lab.open(a, '/f', { headers: right }), HALF)
    assert.equal((await lab.get(b, '/f')).status, 401)
    await a.close()
    await first
    // The process of the stranger goes on without a credential, and waits for the origin's answer.
    await until('a download without a credential', () => lab.origin.log('/f').some(isStrangers))
    const got = await lab.get(b, '/f')
    assert.deepEqual([got.body.length, got.status], [0, 401])
    hold.open()
    await lab.origin.answered('/f', lab.asked('/f').length)
    assert.equal((await b.status()).entries, 0)
  })

  it('a stored body that a follower finds is the one that the sum names', async () => {
    const cacheDir = await lab.folder()
    const [a, b] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
    lab.origin.script('/f', [{ body, etag: '"1"', throttle: 20_000_000 }])
    const [one, two] = await Promise.all([lab.get(a, '/f'), lab.get(b, '/f', { sha256: sha256(body) })])
    assert.ok(one.body.equals(body) && two.body.equals(body))
    assert.equal(two.entry?.sha256, sha256(body))
  })
})
