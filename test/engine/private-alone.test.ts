import assert from 'node:assert/strict'
import { fetchAll, MovableClock, readArtifact, testEngines } from '../support/engine.js'
import { bytes, latch, Origin } from '../support/origin.js'
import { Rights } from '../support/rights.js'
import { until } from '../support/until.js'

describe('a private artifact that is another for each client', () => {
  const engines = testEngines()
  const body = bytes('private', 200_000)
  const other = bytes('other', 200_000)
  let origin: Origin
  let rights: Rights
  beforeEach(async () => {
    origin = await Origin.start()
    rights = new Rights(origin, '/private')
  })
  afterEach(() => origin.close())
  const as = (token: string): { headers: Record<string, string> } => ({ headers: { 'private-token': token } })

  it('a private body that is kept for one credential is downloaded again after --auth-ttl', async () => {
    rights.give({ body, etag: '"alice"' }, 'alice').give({ body: other, etag: '"bob"' }, 'bob')
    const clock = new MovableClock()
    const kiss = await engines.engine({ clock, authTtl: 60_000 })
    await fetchAll(kiss, rights.url, as('alice'))
    const served: string[] = []
    const get = async (): Promise<void> => {
      const got = await fetchAll(kiss, rights.url, as('bob'))
      assert.ok(got.body.equals(other))
      served.push(got.as)
    }
    await get()
    await get()
    clock.move(61_000)
    await get()
    await get()
    assert.deepEqual(served, ['miss', 'hit', 'miss', 'hit'])
  })

  it('a private body that is kept for one credential is downloaded again for a refresh during another client’s download', async () => {
    rights.give({ body, etag: 'W/"1"' }, 'alice').give({ body: other, etag: 'W/"1"' }, 'bob')
    const kiss = await engines.engine()
    await fetchAll(kiss, rights.url, as('bob'))
    const gate = latch()
    rights.fault = { stall: { after: 50_000, until: gate.opened } }
    const first = await kiss.fetch({ url: new URL(rights.url), ...as('alice') })
    rights.fault = {}
    const got = await fetchAll(kiss, rights.url, { ...as('bob'), refresh: true })
    assert.deepEqual([got.as, got.body.equals(other)], ['miss', true])
    gate.open()
    assert.ok((await readArtifact(first)).equals(body))
  })

  it('a download for one credential alone is joined by its own client after another worker took it over', async () => {
    rights.give({ body }, 'alice').give({ body: other }, 'bob')
    const shared = { cacheDir: await engines.folder(), credentialKey: 'of the server' }
    const [a, b] = [await engines.engine(shared), await engines.engine(shared)]
    const url = new URL(rights.url)
    rights.fault = { stall: { after: 50_000 } }
    await a.fetch({ url, ...as('alice') })
    await a.fetch({ url, ...as('bob') })
    const first = await b.fetch({ url, ...as('bob') })
    const asked = rights.asked.length
    const hold = latch()
    rights.holds.set('bob', hold.opened)
    rights.fault = {}
    await a.close()
    // This worker goes on with both downloads, and the origin has not answered yet.
    await until('two requests of the worker', () => rights.asked.length >= asked + 2)
    const second = b.fetch({ url, ...as('bob') })
    hold.open()
    for (const artifact of [first, await second]) assert.ok((await readArtifact(artifact)).equals(other))
  })
})
