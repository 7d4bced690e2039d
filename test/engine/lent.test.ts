import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import type { Engine, EngineOptions } from '#kiss/engine/types.js'
import { plainProvider } from '#kiss/provider/owner.js'
import type { Sharing, UpstreamProvider } from '#kiss/provider/types.js'
import { fetchAll, readArtifact, testEngines } from '../support/engine.js'
import { bytes, latch, Origin } from '../support/origin.js'
import { Rights } from '../support/rights.js'

/** Lends the server's own token to every request that brings none. */
const lending = (share?: Sharing): UpstreamProvider => ({
  ...plainProvider,
  name: 'lending',
  ...(share === undefined ? {} : { share }),
  lends: () => true,
  authorise: async (request, { clientCredential }) =>
    clientCredential ? request : { ...request, headers: { ...request.headers, 'private-token': 'server' } },
})

describe('what a provider fetched with the server’s own credential', () => {
  const engines = testEngines()
  const body = bytes('lent', 100_000)
  let origin: Origin
  let rights: Rights
  beforeEach(async () => {
    origin = await Origin.start()
    rights = new Rights(origin, '/lent').give({ body, etag: '"v1"' }, 'server', 'alice', 'bob')
  })
  afterEach(() => origin.close())
  const open = (share?: Sharing, options: Partial<EngineOptions> = {}): Promise<Engine> =>
    engines.engine({ providers: [lending(share)], ...options })
  const as = (token: string): { headers: Record<string, string> } => ({ headers: { 'private-token': token } })
  const refusedWith = (status: number) => (error: unknown) => error instanceof KissError && error.status === status
  const askedBy = (token: string): number => rights.asked.filter(({ shown }) => shown === token).length

  for (const share of [undefined, 'all'] as const) {
    it(`is for whoever may use the server (share: ${share ?? 'not said'})`, async () => {
      const kiss = await open(share)
      const { artifact } = await fetchAll(kiss, rights.url)
      assert.deepEqual([artifact.private, (await fetchAll(kiss, rights.url)).as], [false, 'hit'])
      assert.equal(rights.bodies.length, 1)
    })
  }

  it('is never added to a client’s own', async () => {
    const kiss = await open('all')
    await assert.rejects(fetchAll(kiss, rights.url, as('mallory')), refusedWith(401))
    await fetchAll(kiss, rights.url, as('alice'))
    assert.equal(askedBy('server'), 0)
  })

  it('is shared as a rule says, whatever its provider does', async () => {
    const rules = [{ match: [rights.url], share: 'probe' as const, place: 'kiss.yaml:1' }]
    const kiss = await open('all', { rules })
    await assert.rejects(fetchAll(kiss, rights.url), refusedWith(401))
    await fetchAll(kiss, rights.url, as('alice'))
    assert.equal(askedBy('server'), 0)
  })

  describe('with share: probe', () => {
    it('is not lent to a client without a right of its own, nor started by it', async () => {
      const kiss = await open('probe')
      await assert.rejects(fetchAll(kiss, rights.url), refusedWith(401))
      await assert.rejects(fetchAll(kiss, rights.url, as('mallory')), refusedWith(401))
      assert.equal(askedBy('server'), 0)
      assert.equal((await kiss.status()).entries, 0)
    })

    it('is for each client whose own right the origin confirms, and for no other', async () => {
      const kiss = await open('probe')
      const { artifact } = await fetchAll(kiss, rights.url, as('alice'))
      assert.equal(artifact.private, true)
      const second = await fetchAll(kiss, rights.url, as('bob'))
      assert.deepEqual([second.as, second.artifact.detail], ['hit', 'authorised'])
      await assert.rejects(fetchAll(kiss, rights.url), refusedWith(401))
      await assert.rejects(fetchAll(kiss, rights.url, as('mallory')), refusedWith(401))
      assert.deepEqual([rights.bodies.length, askedBy('server')], [1, 0])
    })

    it('is not for a stranger in flight either', async () => {
      const cacheDir = await engines.folder()
      const gate = latch()
      rights.fault = { stall: { after: 10_000, until: gate.opened } }
      const kiss = await open('probe', { cacheDir })
      const first = await kiss.fetch({ url: new URL(rights.url), ...as('alice') })
      await assert.rejects(fetchAll(kiss, rights.url), refusedWith(401))
      gate.open()
      await readArtifact(first)
      await first.finished()
      await assert.rejects(fetchAll(kiss, rights.url), refusedWith(401))
      assert.equal(askedBy('server'), 0)
    })

    it('that is public at its origin is for everybody', async () => {
      rights.give({ body, etag: '"v1"' }, '')
      const kiss = await open('probe')
      for (const how of ['miss', 'hit']) assert.equal((await fetchAll(kiss, rights.url)).as, how)
    })
  })

  describe('with share: never', () => {
    it('is for the one request that asked, and is not kept', async () => {
      const kiss = await open('never')
      for (let n = 1; n <= 2; n++) {
        const { as, artifact } = await fetchAll(kiss, rights.url)
        assert.deepEqual([as, artifact.private, artifact.stored, rights.bodies.length], ['miss', true, false, n])
      }
      assert.equal((await kiss.status()).entries, 0)
    })

    it('is not shared in flight', async () => {
      const gate = latch()
      rights.fault = { stall: { after: 10_000, until: gate.opened } }
      const kiss = await open('never')
      const both = await Promise.all([1, 2].map(() => kiss.fetch({ url: new URL(rights.url) })))
      assert.deepEqual(
        both.map((artifact) => artifact.as),
        ['miss', 'miss'],
      )
      gate.open()
      for (const artifact of both) assert.ok((await readArtifact(artifact)).equals(body))
    })
  })

  it('is asked for again at once on a command line where the user has mended the credential', async () => {
    rights.revoke('server')
    const cacheDir = await engines.folder()
    await assert.rejects(fetchAll(await open('all', { ownUse: true, cacheDir }), rights.url), refusedWith(401))
    rights.give({ body, etag: '"v1"' }, 'server')
    assert.equal((await fetchAll(await open('all', { ownUse: true, cacheDir }), rights.url)).as, 'miss')
  })

  it('is the user’s own on a command line, whatever share says', async () => {
    for (const share of ['probe', 'never'] as const) {
      const kiss = await open(share, { ownUse: true })
      for (const how of ['miss', 'hit']) assert.equal((await fetchAll(kiss, rights.url)).as, how)
    }
  })
})
