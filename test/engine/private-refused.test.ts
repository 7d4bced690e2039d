import assert from 'node:assert/strict'
import type { Artifact, Engine } from '#kiss/engine/types.js'
import { plainProvider } from '#kiss/provider/owner.js'
import type { UpstreamProvider } from '#kiss/provider/types.js'
import { fetchAll, readArtifact, testEngines } from '../support/engine.js'
import { bytes, latch, Origin, type Latch } from '../support/origin.js'
import { Rights } from '../support/rights.js'
import { until } from '../support/until.js'

describe('a download whose credential the origin refuses in the middle', () => {
  const engines = testEngines()
  const body = bytes('refused', 200_000)
  const there = 50_000
  const served = { body, etag: '"v1"' }
  let origin: Origin
  let rights: Rights
  beforeEach(async () => {
    origin = await Origin.start()
    rights = new Rights(origin, '/f')
  })
  afterEach(() => origin.close())
  const as = (token: string): { url: URL; headers: Record<string, string> } => ({
    url: new URL(rights.url),
    headers: { 'private-token': token },
  })
  /** Adds the server's own token to every request that brings none. */
  const lending: UpstreamProvider = {
    ...plainProvider,
    name: 'lending',
    lends: () => true,
    authorise: async (request, { clientCredential }) =>
      clientCredential ? request : { ...request, headers: { ...request.headers, 'private-token': 'server' } },
  }

  /** A download of job 1 that was cut, and whose next request waits at the origin. */
  const cutDownload = async (kiss: Engine): Promise<{ readonly first: Artifact; readonly ask: Latch }> => {
    const [begin, ask] = [latch(), latch()]
    rights.fault = { cut: { after: there } }
    rights.holds.set('job 1', begin.opened)
    const first = kiss.fetch(as('job 1'))
    await until('a request', () => rights.asked.length === 1)
    rights.holds.set('job 1', ask.opened)
    begin.open()
    await until('a second request', () => rights.asked.length === 2)
    rights.fault = {}
    return { first: await first, ask }
  }

  it('a private download goes on with the credential of a reader if that of its first client has expired', async () => {
    rights.give(served, 'job 1', 'job 2', 'job 3')
    const kiss = await engines.engine()
    const { first, ask } = await cutDownload(kiss)
    const readers = [first, await kiss.fetch(as('job 2')), await kiss.fetch(as('job 3'))]
    rights.revoke('job 1')
    rights.revoke('job 2')
    ask.open()
    for (const reader of readers) assert.ok((await readArtifact(reader)).equals(body))
    const last = rights.asked.at(-1)
    assert.deepEqual([last?.shown, last?.status, last?.headers.range], ['job 3', 206, `bytes=${there}-`])
    assert.equal((await readers[2]?.finished())?.private, true)
    assert.equal((await fetchAll(kiss, rights.url, as('job 3'))).as, 'hit')
  })

  it('a private download ends with the refusal if the origin refuses the credentials of all readers', async () => {
    rights.give(served, 'job 1', 'job 2')
    const kiss = await engines.engine()
    const { first, ask } = await cutDownload(kiss)
    const readers = [first, await kiss.fetch(as('job 2'))]
    rights.revoke('job 1')
    rights.revoke('job 2')
    ask.open()
    for (const reader of readers) await assert.rejects(readArtifact(reader), { code: 'origin-refused', status: 401 })
    assert.deepEqual((await kiss.status()).entries, 0)
  })

  for (const [what, options, nobody] of [
    ['a public download', {}, ''],
    ['a download with the server’s own credential', { providers: [lending] }, 'server'],
  ] as const) {
    it(`${what} that a refused client made this process follow goes on without its credential for a client with another one`, async () => {
      rights.give(served, nobody, 'alice')
      const cacheDir = await engines.folder()
      const [a, b] = [await engines.engine({ cacheDir, ...options }), await engines.engine({ cacheDir, ...options })]
      rights.fault = { stall: { after: there } }
      await a.fetch({ url: new URL(rights.url) })
      await b.fetch(as('mallory'))
      const reader = await b.fetch(as('alice'))
      rights.fault = {}
      await a.close()
      assert.ok((await readArtifact(reader)).equals(body))
      assert.equal((await reader.finished())?.private, false)
      assert.ok(rights.asked.every(({ shown = '' }) => shown === nobody))
    })
  }

  it('a private download that a refused client made this process follow goes on with the credential of a client that joins meanwhile', async () => {
    rights.give(served, 'alice', 'bob')
    const cacheDir = await engines.folder()
    const [a, b] = [await engines.engine({ cacheDir }), await engines.engine({ cacheDir })]
    rights.fault = { stall: { after: there } }
    await a.fetch(as('alice'))
    await assert.rejects(b.fetch(as('mallory')), { status: 401 })
    const hold = latch()
    rights.holds.set('mallory', hold.opened)
    rights.fault = {}
    await a.close()
    await until('a request of mallory’s', () => rights.asked.at(-1)?.shown === 'mallory')
    const reader = await b.fetch(as('bob'))
    hold.open()
    assert.ok((await readArtifact(reader)).equals(body))
    const last = rights.asked.at(-1)
    assert.deepEqual([last?.shown, last?.headers.range], ['bob', `bytes=${there}-`])
  })
})
