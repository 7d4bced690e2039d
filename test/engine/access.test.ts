import assert from 'node:assert/strict'
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KissError } from '#kiss/errors.js'
import type { Engine, EngineOptions } from '#kiss/engine/types.js'
import { plainProvider } from '#kiss/provider/owner.js'
import type { Sharing, UpstreamProvider } from '#kiss/provider/types.js'
import { fetchAll, MovableClock, readArtifact, testEngines } from '../support/engine.js'
import { bytes, latch, Origin } from '../support/origin.js'
import { Rights } from '../support/rights.js'

/** Adds the token `own` to requests that bring none, where the settings lend it. */
const lending = (share: Sharing, lends: boolean): UpstreamProvider => ({
  ...plainProvider,
  name: 'lending',
  share,
  lends: () => lends,
  authorise: async (request, { clientCredential }) =>
    clientCredential || !lends ? request : { ...request, headers: { ...request.headers, 'private-token': 'own' } },
})

const refusedWith = (status: number) => (error: unknown) => error instanceof KissError && error.status === status

describe('bytes that the provider’s own credential brought to kiss fetch', () => {
  const engines = testEngines()
  const body = bytes('own', 100_000)
  let origin: Origin
  let rights: Rights
  let cacheDir: string
  beforeEach(async () => {
    origin = await Origin.start()
    rights = new Rights(origin, '/own').give({ body, etag: '"v1"' }, 'own', 'alice')
    cacheDir = await engines.folder()
  })
  afterEach(() => origin.close())
  const own = (): Promise<Engine> => engines.engine({ cacheDir, ownUse: true, providers: [lending('probe', true)] })
  const serving = (share: Sharing, lends: boolean, more: Partial<EngineOptions> = {}): Promise<Engine> =>
    engines.engine({ cacheDir, providers: [lending(share, lends)], ...more })
  const as = (token: string) => ({ headers: { 'private-token': token } })
  const listed = async (engine: Engine): Promise<boolean[]> => {
    const all: boolean[] = []
    for await (const entry of engine.list()) all.push(entry.private)
    return all
  }

  for (const [title, share, lends] of [
    ['lends nothing', 'all', false],
    ['lends it to those who prove their own right', 'probe', true],
  ] as const) {
    it(`are for no stranger of a server that ${title}, and not listed`, async () => {
      await fetchAll(await own(), rights.url)
      const kiss = await serving(share, lends)
      await assert.rejects(fetchAll(kiss, rights.url), refusedWith(401))
      await assert.rejects(fetchAll(kiss, rights.url, as('mallory')), refusedWith(401))
      await assert.rejects(fetchAll(kiss, rights.url, { offline: true }), { code: 'offline' })
      const proved = await fetchAll(kiss, rights.url, as('alice'))
      assert.deepEqual([proved.as, proved.artifact.detail, proved.artifact.private], ['hit', 'authorised', true])
      assert.deepEqual(await listed(kiss), [true])
      assert.equal(rights.bodies.length, 1)
      // The user's own commands go on without a question.
      const asked = rights.asked.length
      assert.equal((await fetchAll(await own(), rights.url)).as, 'hit')
      assert.equal(rights.asked.length, asked)
    })
  }

  it('are for everybody without a question while the settings lend the credential to all', async () => {
    await fetchAll(await own(), rights.url)
    const asked = rights.asked.length
    const kiss = await serving('all', true)
    assert.equal((await fetchAll(kiss, rights.url)).as, 'hit')
    assert.deepEqual(await listed(kiss), [false])
    assert.equal(rights.asked.length, asked)
  })

  it('are no longer for everybody when a server stops lending', async () => {
    const lender = await serving('all', true)
    await fetchAll(lender, rights.url)
    await lender.close()
    for (const [share, lends] of [
      ['probe', true],
      ['all', false],
    ] as const)
      await assert.rejects(fetchAll(await serving(share, lends), rights.url), refusedWith(401))
    // Under `never` each request has its own download.
    const never = await fetchAll(await serving('never', true), rights.url)
    assert.deepEqual([never.as, never.artifact.stored], ['miss', false])
  })

  it('are not served stale to a stranger while the origin is down', async () => {
    await fetchAll(await own(), rights.url, { ttl: 1000 })
    const clock = new MovableClock()
    clock.move(5000)
    const kiss = await serving('all', false, { clock, retryFor: 1 })
    const { url } = rights
    await origin.close()
    await assert.rejects(fetchAll(kiss, url), (error: KissError) => error.status === 502)
    origin = await Origin.start()
  })

  it('are not shown to a stranger while they are in flight in another process', async () => {
    const gate = latch()
    rights.fault = { stall: { after: 10_000, until: gate.opened } }
    const user = await own()
    const first = await user.fetch({ url: new URL(rights.url) })
    const kiss = await serving('all', false)
    await assert.rejects(fetchAll(kiss, rights.url), refusedWith(401))
    assert.deepEqual(
      (await kiss.status()).downloads.map((download) => download.private),
      [true],
    )
    gate.open()
    await readArtifact(first)
    await first.finished()
  })

  it('stay the provider’s when the index is rebuilt', async () => {
    const user = await own()
    await fetchAll(user, rights.url)
    await user.close()
    for (const name of await readdir(cacheDir)) if (name.startsWith('index.')) await rm(join(cacheDir, name))
    const kiss = await serving('all', false)
    await kiss.verify({ rebuild: true })
    await assert.rejects(fetchAll(kiss, rights.url), refusedWith(401))
  })

  it('are public once the origin gives them to a request without any credential', async () => {
    await fetchAll(await own(), rights.url)
    rights.give({ body, etag: '"v1"' }, '')
    const kiss = await serving('all', false)
    assert.equal((await fetchAll(kiss, rights.url)).artifact.detail, 'authorised')
    assert.deepEqual([(await fetchAll(kiss, rights.url)).artifact.detail, await listed(kiss)], [undefined, [false]])
  })

  it('may be the provider’s where an older version did not note whose credential was used', async () => {
    const user = await own()
    const { artifact } = await fetchAll(user, rights.url)
    const entry = (await artifact.finished())!
    const file = `${artifact.path(entry)}.${entry.id}.json`
    await user.close()
    const text = await readFile(file, 'utf8')
    assert.match(text, /"access":"provider"/)
    await rm(file)
    await writeFile(file, text.replace('"access":"provider",', ''))
    for (const name of await readdir(cacheDir)) if (name.startsWith('index.')) await rm(join(cacheDir, name))
    const kiss = await serving('all', false)
    await kiss.verify({ rebuild: true })
    await assert.rejects(fetchAll(kiss, rights.url), refusedWith(401))
    assert.deepEqual(await listed(kiss), [true])
  })
})

describe('a header that means nothing to the origin', () => {
  const engines = testEngines()
  const body = bytes('public', 50_000)
  const junk = { headers: { 'x-junk': '1' } }
  let origin: Origin
  beforeEach(async () => {
    origin = await Origin.start()
  })
  afterEach(() => origin.close())

  it('leaves bytes private until a request without it is given the same', async () => {
    origin.serve('/a', { body, etag: '"v1"' })
    const kiss = await engines.engine()
    assert.equal((await fetchAll(kiss, origin.url('/a'), junk)).artifact.private, true)
    assert.equal((await fetchAll(kiss, origin.url('/a'))).artifact.detail, 'authorised')
    const asked = origin.requests.length
    for (const request of [{}, junk, { headers: { 'x-other': '2' } }]) {
      const { artifact, as } = await fetchAll(kiss, origin.url('/a'), request)
      assert.deepEqual([as, artifact.detail, artifact.private], ['hit', undefined, false])
    }
    assert.equal(origin.requests.length, asked)
  })

  it('leaves bytes private until a request without it has joined their download', async () => {
    const gate = latch()
    origin.script('/a', [{ body, etag: '"v1"', stall: { after: 1000, until: gate.opened } }])
    const kiss = await engines.engine()
    const first = await kiss.fetch({ url: new URL(origin.url('/a')), ...junk })
    const second = await kiss.fetch({ url: new URL(origin.url('/a')) })
    assert.equal(second.as, 'collapsed')
    gate.open()
    await Promise.all([readArtifact(first), readArtifact(second)])
    await first.finished()
    await fetchAll(kiss, origin.url('/a'))
    assert.equal((await fetchAll(kiss, origin.url('/a'), { headers: { 'x-other': '2' } })).artifact.detail, undefined)
  })

  it('makes nothing private where it is never sent', async () => {
    origin.serve('/a', { body, etag: '"v1"' })
    for (const name of ['digest', 'cf-connecting-ip', 'want-digest', 'x-real-ip', 'cdn-loop', 'true-client-ip']) {
      const kiss = await engines.engine()
      const { artifact } = await fetchAll(kiss, origin.url('/a'), { headers: { [name]: '1' } })
      assert.equal(artifact.private, false, name)
      assert.equal(origin.requests.at(-1)!.headers[name], undefined)
    }
  })
})
