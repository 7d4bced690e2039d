import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import type { Engine } from '#kiss/engine/types.js'
import { fetchAll, readArtifact, testEngines } from '../support/engine.js'
import { bytes, latch, Origin } from '../support/origin.js'
import { Rights } from '../support/rights.js'

/** The status that a client gets; 200 when it gets bytes. */
async function statusOf(engine: Engine, url: string, token?: string): Promise<number> {
  return fetchAll(engine, url, token === undefined ? {} : { headers: { 'private-token': token } }).then(
    () => 200,
    (error: unknown) => (error instanceof KissError ? error.status : assert.fail(String(error))),
  )
}

describe('a private artifact of many clients at once', () => {
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

  it('a private artifact costs one probe for fifty clients with the same token', async () => {
    const kiss = await engines.engine()
    await fetchAll(kiss, rights.url, as('alice'))
    const asked = rights.asked.length
    const leaving = new AbortController()
    const left = fetchAll(kiss, rights.url, { ...as('bob'), signal: leaving.signal })
    const all = Array.from({ length: 50 }, () => statusOf(kiss, rights.url, 'bob'))
    leaving.abort(new Error('left'))
    await assert.rejects(left, { message: 'left' })
    assert.deepEqual(new Set(await Promise.all(all)), new Set([200]))
    assert.equal(rights.asked.length, asked + 1)
  })

  it('a private artifact costs one body for fifty clients with right tokens, and clients with wrong tokens get none', async () => {
    const right = Array.from({ length: 50 }, (_, n) => `right-${n}`)
    const wrong = Array.from({ length: 30 }, (_, n) => `wrong-${n}`)
    rights.give(served, ...right)
    const kiss = await engines.engine()
    // The wrong ones come first: each of them may be the one who starts.
    const statuses = await Promise.all([...wrong, ...right].map((token) => statusOf(kiss, rights.url, token)))
    assert.deepEqual(statuses, [...wrong.map(() => 401), ...right.map(() => 200)])
    assert.equal(rights.bodies.length, 1)
  })

  it('a private download is joined by clients with a right to it, and no other client gets a byte', async () => {
    const gate = latch()
    rights.fault = { stall: { after: 50_000, until: gate.opened } }
    const kiss = await engines.engine()
    const first = await kiss.fetch({ url: new URL(rights.url), ...as('alice') })
    assert.equal(await first.content.read(Buffer.alloc(10), 0), 10)
    assert.equal(await statusOf(kiss, rights.url, 'mallory'), 401)
    assert.equal(await statusOf(kiss, rights.url), 401)
    const second = await kiss.fetch({ url: new URL(rights.url), ...as('bob') })
    assert.deepEqual([second.as, second.private, second.detail], ['collapsed', true, 'authorised'])
    gate.open()
    for (const artifact of [first, second]) assert.ok((await readArtifact(artifact)).equals(body))
    assert.equal(rights.bodies.length, 1)
  })

  for (const [what, mine, yours] of [
    ['is another for each client', '"v1"', '"v2"'],
    ['has no strong validator', 'W/"v1"', 'W/"v1"'],
  ] as const) {
    it(`a private download that ${what} is joined by its own client alone`, async () => {
      const gate = latch()
      const other = bytes('other', 200_000)
      rights.give({ body, etag: mine }, 'alice').give({ body: other, etag: yours }, 'bob')
      rights.fault = { stall: { after: 50_000, until: gate.opened } }
      const kiss = await engines.engine()
      const [first, again] = [
        await kiss.fetch({ url: new URL(rights.url), ...as('alice') }),
        await kiss.fetch({ url: new URL(rights.url), ...as('alice') }),
      ]
      const second = await kiss.fetch({ url: new URL(rights.url), ...as('bob') })
      assert.equal(await statusOf(kiss, rights.url, 'mallory'), 401)
      gate.open()
      for (const artifact of [first, again]) assert.ok((await readArtifact(artifact)).equals(body))
      assert.ok((await readArtifact(second)).equals(other))
      assert.deepEqual(
        rights.bodies.map(({ shown }) => shown),
        ['alice', 'bob'],
      )
    })
  }
})
