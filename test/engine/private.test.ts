import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import type { Engine } from '#kiss/engine/types.js'
import { fetchAll, MovableClock, readArtifact, testEngines } from '../support/engine.js'
import { bytes, latch, Origin } from '../support/origin.js'
import { Rights } from '../support/rights.js'

/** The status that a client gets; 200 when it gets bytes. */
async function statusOf(engine: Engine, url: string, token?: string): Promise<number> {
  return fetchAll(engine, url, token === undefined ? {} : { headers: { 'private-token': token } }).then(
    () => 200,
    (error: unknown) => (error instanceof KissError ? error.status : assert.fail(String(error))),
  )
}

describe('a private artifact', () => {
  const engines = testEngines()
  const body = bytes('private', 200_000)
  const served = { body, etag: '"v1"' }
  let origin: Origin
  let rights: Rights
  beforeEach(async () => {
    origin = await Origin.start()
    rights = new Rights(origin, '/private')
    rights.give(served, 'alice', 'bob')
  })
  afterEach(() => origin.close())
  const as = (token: string): { headers: Record<string, string> } => ({ headers: { 'private-token': token } })
  const entries = async (engine: Engine): Promise<number> => (await engine.status()).entries

  const ways: readonly [
    what: string,
    url: (token: string) => string,
    headers: (token: string) => Record<string, string>,
  ][] = [
    ['a passed header', () => rights.url, (token) => ({ 'private-token': token })],
    ['Authorization', () => rights.url, (token) => ({ authorization: `Bearer ${token}` })],
    ['userinfo', (token) => rights.url.replace('//', `//me:${token}@`), () => ({})],
    ['a token in the query', (token) => `${rights.url}?token=${token}`, () => ({})],
    ['a signature', (token) => `${rights.url}?X-Amz-Credential=me&X-Amz-Signature=${token}`, () => ({})],
  ]
  for (const [what, url, headers] of ways) {
    it(`a private artifact that came with ${what} is given to a client whose credential the origin accepts, and to no other`, async () => {
      const kiss = await engines.engine()
      const first = await fetchAll(kiss, url('alice'), { headers: headers('alice') })
      assert.deepEqual([first.as, first.artifact.private], ['miss', true])
      const second = await fetchAll(kiss, url('bob'), { headers: headers('bob') })
      assert.deepEqual([second.as, second.artifact.detail, second.body.equals(body)], ['hit', 'authorised', true])
      assert.equal(rights.asked.at(-1)?.status, 304)
      await assert.rejects(fetchAll(kiss, url('mallory'), { headers: headers('mallory') }), { status: 401 })
      assert.equal(await statusOf(kiss, rights.url), 401)
      assert.equal(rights.bodies.length, 1)
      assert.equal(await entries(kiss), 1)
    })
  }

  it('a private artifact is given after a 200 with an equal strong ETag, whose body is not read', async () => {
    rights.ignoresConditions = true
    rights.give({ ...served, body: bytes('private', 20_000_000) }, 'alice', 'bob')
    const kiss = await engines.engine()
    const url = `${rights.url}?X-Amz-Signature=`
    await fetchAll(kiss, `${url}alice`)
    assert.equal((await fetchAll(kiss, `${url}bob`)).artifact.detail, 'authorised')
    const probe = rights.asked.at(-1)!
    assert.deepEqual([probe.method, probe.headers['if-none-match']], ['GET', '"v1"'])
    assert.ok(probe.sent < 20_000_000)
  })

  it('a private artifact is given if the origin hangs up on HEAD', async () => {
    rights.dropsHead = true
    const kiss = await engines.engine()
    await fetchAll(kiss, rights.url, as('alice'))
    assert.equal((await fetchAll(kiss, rights.url, as('bob'))).artifact.detail, 'authorised')
    assert.equal(await statusOf(kiss, rights.url, 'mallory'), 401)
    assert.equal(rights.bodies.length, 1)
  })

  it('a private artifact with other content for each client is downloaded by each', async () => {
    const other = bytes('bob’s own', 150_000)
    rights.give({ body: other, etag: '"bob"' }, 'bob')
    const kiss = await engines.engine()
    for (let n = 0; n < 2; n++) {
      assert.ok((await fetchAll(kiss, rights.url, as('alice'))).body.equals(body))
      assert.ok((await fetchAll(kiss, rights.url, as('bob'))).body.equals(other))
    }
    assert.equal(rights.bodies.filter(({ shown }) => shown === 'alice').length, 1)
  })

  for (const [what, validators] of [
    ['a weak ETag', { etag: 'W/"v1"' }],
    ['a date alone', { lastModified: 'Sun, 01 Nov 2026 10:00:00 GMT', etag: undefined }],
    ['no validator', { etag: undefined }],
  ] as const) {
    it(`a private artifact with ${what} is kept for its own credential and --auth-ttl, and not shared`, async () => {
      rights.give({ body, ...validators }, 'alice', 'bob')
      const clock = new MovableClock()
      const kiss = await engines.engine({ clock, authTtl: 60_000 })
      const served: string[] = []
      for (const token of ['alice', 'bob', 'alice', 'bob']) {
        const { artifact } = await fetchAll(kiss, rights.url, as(token))
        assert.deepEqual([artifact.private, artifact.stored], [true, true])
        served.push(artifact.as)
      }
      assert.deepEqual(served, ['miss', 'miss', 'hit', 'hit'])
      for (const token of ['mallory', undefined]) assert.equal(await statusOf(kiss, rights.url, token), 401)
      assert.equal(rights.bodies.length, 2)
      clock.move(61_000)
      assert.equal((await fetchAll(kiss, rights.url, as('alice'))).as, 'miss')
      assert.equal((await kiss.purge({ urls: [new URL(rights.url)] })).removed, 2)
      assert.equal(await entries(kiss), 0)
    })

    it(`a private artifact with ${what} is kept after a second request joined its flight`, async () => {
      rights.give({ body, ...validators }, 'alice', 'bob')
      const gate = latch()
      rights.fault = { stall: { after: 10_000, until: gate.opened } }
      const kiss = await engines.engine()
      const head = await kiss.fetch({ url: new URL(rights.url), ...as('alice') })
      const get = await kiss.fetch({ url: new URL(rights.url), ...as('alice') })
      await head.close('done')
      gate.open()
      assert.ok((await readArtifact(get)).equals(body))
      assert.equal((await fetchAll(kiss, rights.url, as('alice'))).as, 'hit')
      assert.equal(rights.bodies.length, 1)
    })
  }

  it('a private artifact without a strong ETag is given to its own credential by another worker with the same key', async () => {
    rights.give({ body, etag: undefined }, 'alice', 'bob')
    const shared = { cacheDir: await engines.folder(), credentialKey: 'of the server' }
    await fetchAll(await engines.engine(shared), rights.url, as('alice'))
    const other = await engines.engine(shared)
    assert.equal((await fetchAll(other, rights.url, as('alice'))).as, 'hit')
    assert.equal((await fetchAll(other, rights.url, as('bob'))).as, 'miss')
    assert.equal(
      (await fetchAll(await engines.engine({ cacheDir: shared.cacheDir }), rights.url, as('alice'))).as,
      'miss',
    )
  })

  for (const refusal of [401, 403, 404]) {
    it(`a private artifact is not given if the origin answers ${refusal}, and stays in the cache`, async () => {
      rights.refusal = refusal
      const clock = new MovableClock()
      const kiss = await engines.engine({ clock })
      await fetchAll(kiss, rights.url, { ...as('alice'), ttl: 3_600_000 })
      assert.equal(await statusOf(kiss, rights.url, 'mallory'), refusal)
      rights.revoke('alice')
      clock.move(3_700_000)
      for (const token of ['mallory', 'alice', undefined])
        assert.equal(await statusOf(kiss, rights.url, token), refusal)
      assert.equal((await fetchAll(kiss, rights.url, as('bob'))).as, 'revalidated')
      assert.equal(rights.bodies.length, 1)
    })
  }

  it('a private artifact is given without a question for --auth-ttl, and later only if the origin agrees', async () => {
    const clock = new MovableClock()
    const kiss = await engines.engine({ clock, authTtl: 60_000 })
    await fetchAll(kiss, rights.url, as('alice'))
    await fetchAll(kiss, rights.url, as('bob'))
    const asked = rights.asked.length
    rights.revoke('bob')
    clock.move(50_000)
    for (const token of ['alice', 'bob']) assert.equal((await fetchAll(kiss, rights.url, as(token))).as, 'hit')
    assert.equal(rights.asked.length, asked)
    clock.move(20_000)
    assert.equal(await statusOf(kiss, rights.url, 'bob'), 401)
    assert.equal((await fetchAll(kiss, rights.url, as('alice'))).as, 'hit')
  })

  for (const where of ['this process', 'another process'] as const) {
    it(`a private artifact in flight in ${where} delays no refusal: a stranger is refused before the headers arrive`, async () => {
      const cacheDir = await engines.folder()
      const [gate, rest] = [latch(), latch()]
      rights.holds.set('alice', gate.opened)
      rights.fault = { stall: { after: 1000, until: rest.opened } }
      const kiss = await engines.engine({ cacheDir })
      const first = kiss.fetch({ url: new URL(rights.url), ...as('alice') })
      await origin.requested('/private')
      const asked = where === 'this process' ? kiss : await engines.engine({ cacheDir })
      for (const token of ['mallory', undefined]) assert.equal(await statusOf(asked, rights.url, token), 401)
      const bob = asked.fetch({ url: new URL(rights.url), ...as('bob') })
      gate.open()
      const joined = await bob
      rest.open()
      assert.ok((await readArtifact(await first)).equals(body))
      assert.deepEqual([joined.as, joined.detail], ['collapsed', 'authorised'])
      assert.ok((await readArtifact(joined)).equals(body))
      assert.equal(rights.bodies.length, 1)
    })
  }

  it('a private artifact is not given to a credential that opens other content', async () => {
    const other = new Rights(origin, '/other').give({ body: bytes('other', 1000), etag: '"v1"' }, 'mallory')
    const kiss = await engines.engine()
    await fetchAll(kiss, rights.url, as('alice'))
    await fetchAll(kiss, other.url, as('mallory'))
    assert.equal(await statusOf(kiss, rights.url, 'mallory'), 401)
  })

  it('a private artifact is given offline, and stale while the origin is down, to proved credentials for --auth-ttl', async () => {
    const clock = new MovableClock()
    const kiss = await engines.engine({ clock, authTtl: 60_000, retryFor: 1 })
    await fetchAll(kiss, rights.url, { ...as('alice'), ttl: 20_000 })
    const { url } = rights
    await origin.close()
    try {
      const offline = (token: string): Promise<unknown> =>
        fetchAll(kiss, url, { ...as(token), offline: true }).then(({ as }) => as)
      assert.equal(await offline('alice'), 'hit')
      // Word for word what is said of what is not there.
      await assert.rejects(offline('bob'), { code: 'offline', message: `${url} is not in the cache` })
      clock.move(20_001)
      const stale = await fetchAll(kiss, url, as('alice'))
      assert.deepEqual([stale.as, stale.artifact.detail], ['stale', 'stale-if-error'])
      assert.equal(await statusOf(kiss, url, 'bob'), 502)
      clock.move(60_000)
      assert.equal(await statusOf(kiss, url, 'alice'), 502)
      await assert.rejects(offline('alice'), { code: 'offline' })
    } finally {
      origin = await Origin.start()
    }
  })

  it('a private artifact is refused for ten seconds to a credential that the origin refused, and to no other', async () => {
    const clock = new MovableClock()
    const kiss = await engines.engine({ clock })
    await fetchAll(kiss, rights.url, as('alice'))
    const asked = rights.asked.length
    for (let n = 0; n < 3; n++) assert.equal(await statusOf(kiss, rights.url, 'mallory'), 401)
    assert.equal(rights.asked.length, asked + 1)
    rights.give(served, 'mallory')
    clock.move(9_000)
    assert.equal(await statusOf(kiss, rights.url, 'mallory'), 401)
    assert.equal((await fetchAll(kiss, rights.url, as('bob'))).as, 'hit')
    assert.equal((await fetchAll(kiss, rights.url, { ...as('mallory'), refresh: true })).as, 'revalidated')
    clock.move(2_000)
    assert.equal(await statusOf(kiss, rights.url, 'mallory'), 200)
  })

  it('a private artifact that changed while it was stale is replaced for a client with a right to the new content', async () => {
    const clock = new MovableClock()
    const kiss = await engines.engine({ clock })
    await fetchAll(kiss, rights.url, { ...as('alice'), ttl: 1000 })
    clock.move(2000)
    const newer = bytes('newer', 100_000)
    rights.give({ body: newer, etag: '"v2"' }, 'alice', 'bob')
    assert.ok((await fetchAll(kiss, rights.url, as('bob'))).body.equals(newer))
    const { as: how, body: got } = await fetchAll(kiss, rights.url, as('alice'))
    assert.deepEqual([how, got.equals(newer)], ['hit', true])
    assert.equal(await entries(kiss), 1)
  })

  it('a private artifact whose answer varies on a passed header is not kept', async () => {
    rights.give({ ...served, extra: { vary: 'Accept-Encoding, Private-Token' } }, 'alice')
    rights.give({ ...served, extra: { vary: 'Accept-Encoding' } }, 'bob')
    const kiss = await engines.engine()
    assert.equal((await fetchAll(kiss, rights.url, as('alice'))).artifact.stored, false)
    assert.equal(await entries(kiss), 0)
    assert.equal((await fetchAll(kiss, rights.url, as('bob'))).artifact.stored, true)
    assert.equal(await entries(kiss), 1)
  })

  it('a private artifact is proved at its own origin: a redirect takes the credential to no other host', async () => {
    const storage = await Origin.start({ host: '127.0.0.2' })
    try {
      storage.serve('/blob', { body, etag: '"v1"' })
      origin.script('/moved', [
        { method: 'GET', redirect: `${storage.url('/blob')}?X-Amz-Signature=storage` },
        { method: 'HEAD', redirect: `${storage.url('/blob')}?X-Amz-Signature=storage` },
      ])
      const kiss = await engines.engine()
      const url = origin.url('/moved').replace('//', '//me:basic-secret@')
      const headers = { 'private-token': 'header-secret', 'x-other': 'passed-secret' }
      await fetchAll(kiss, url, { headers })
      assert.equal((await fetchAll(kiss, url, { headers: { 'private-token': 'another' } })).as, 'hit')
      assert.equal(storage.requests.length, 2)
      const seen = JSON.stringify(storage.requests)
      for (const secret of ['secret', 'another', Buffer.from('me:basic-secret').toString('base64')])
        assert.ok(!seen.includes(secret), secret)
    } finally {
      await storage.close()
    }
  })

  it('a request with a credential leaves an anonymous copy public', async () => {
    rights.give(served, '')
    const kiss = await engines.engine()
    assert.equal((await fetchAll(kiss, rights.url)).artifact.private, false)
    const asked = rights.asked.length
    assert.deepEqual((await fetchAll(kiss, rights.url, as('alice'))).artifact.private, false)
    assert.equal(rights.asked.length, asked)
  })
})
