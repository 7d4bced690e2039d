import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import type { Store } from '#kiss/store/open.js'
import { type Step, publishSteps, removalSteps } from './child.js'
import { Fixture, blobFiles, bodyOf, describing, listed, put, sha256 } from './support.js'

describe('a process that is killed', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  /** Nobody is served anything but a whole body, and the ledger counts at least what is there. */
  async function assertSound(store: Store): Promise<void> {
    for (const entry of await listed(store)) {
      const body = await bodyOf(store, entry)
      assert.ok(body === undefined || sha256(body) === entry.sha256, entry.url)
    }
    let onDisk = 0
    for (const name of await blobFiles(store)) {
      if (!name.endsWith('.json')) onDisk += (await stat(store.blobs.path(name))).size
    }
    const { blobs, reserved } = await store.space.usage()
    assert.ok(onDisk <= blobs + reserved, `${onDisk} bytes on disk, ${blobs} + ${reserved} in the ledger`)
  }

  /** Everything that the dead left is given back, and what it did not touch is still there. */
  async function assertRecovers(store: Store, kept: string): Promise<void> {
    // Long enough for a removal to count as abandoned.
    fixture.now = Date.now() + 60_000
    await store.space.setQuota(100_000)
    await store.verify()
    await assertSound(store)
    const entries = await listed(store)
    const bodies = await Promise.all(entries.map((entry) => bodyOf(store, entry)))
    assert.ok(bodies.includes(kept))
    assert.ok(!bodies.includes(undefined))
    const sums = bodies.map((body) => sha256(body!))
    const strays = (await blobFiles(store)).filter((name) => !sums.includes(name))
    // A description whose entry was never written is swept an hour later.
    for (const entry of entries) assert.ok(strays.includes(describing(entry)))
    assert.deepEqual(await store.space.usage(), { blobs: new Set(bodies).size * 4, reserved: 0 })
    await store.space.reserve('everything', 90_000)
  }

  async function killedAt(
    step: Step,
    act: Parameters<Awaited<ReturnType<Fixture['child']>>['die']>[0],
  ): Promise<Store> {
    const store = await fixture.open({ isLive: async () => false })
    const child = await fixture.child()
    await child.ask({ do: 'die at', step })
    assert.equal(await child.die(act), 'SIGKILL')
    await assertSound(store)
    return store
  }

  for (const step of removalSteps) {
    it(`while it evicts (${step}) leaves nothing wrong`, async () => {
      const before = await fixture.open()
      await put(before, 'old', 'aaaa', { lastUsedAt: 1 })
      await put(before, 'kept', 'bbbb', { lastUsedAt: 2 })
      await assertRecovers(await killedAt(step, { do: 'evict', bytes: 1 }), 'bbbb')
    })

    it(`while it purges an entry (${step}) leaves nothing wrong`, async () => {
      const before = await fixture.open()
      const { id } = await put(before, 'purged', 'aaaa')
      await put(before, 'kept', 'bbbb')
      const store = await killedAt(step, { do: 'remove', id })
      await assertRecovers(store, 'bbbb')
      assert.equal(await store.entries.get(id), undefined)
    })
  }

  for (const step of publishSteps) {
    it(`while it stores a body (${step}) leaves nothing wrong`, async () => {
      const before = await fixture.open()
      await put(before, 'kept', 'bbbb')
      await assertRecovers(await killedAt(step, { do: 'put', name: 'new', body: 'aaaa' }), 'bbbb')
    })

    it(`while it replaces a body (${step}) leaves one of the two`, async () => {
      const before = await fixture.open()
      const { id } = await put(before, 'replaced', 'aaaa')
      await put(before, 'kept', 'bbbb')
      const store = await killedAt(step, { do: 'put', name: 'replaced', body: 'cccc' })
      const entry = await store.entries.get(id)
      assert.equal(await bodyOf(store, entry!), ['committed', 'adopted', 'described'].includes(step) ? 'aaaa' : 'cccc')
      await assertRecovers(store, 'bbbb')
    })
  }

  it('in the middle of a removal is followed by another that needs the room', async () => {
    const before = await fixture.open()
    await put(before, 'old', 'aaaa', { lastUsedAt: 1 })
    await put(before, 'kept', 'bbbb', { lastUsedAt: 2 })
    const store = await killedAt('entries gone', { do: 'evict', bytes: 1 })
    fixture.now = Date.now() + 60_000
    await store.space.setQuota(21_000)
    await store.space.reserve('x', 4_000)
    assert.deepEqual(await store.space.usage(), { blobs: 4, reserved: 4_000 })
    assert.deepEqual(
      (await listed(store)).map(({ url }) => url),
      ['https://origin.example/kept'],
    )
  })

  it('in the middle of a removal does not keep the same body from being stored again', async () => {
    const before = await fixture.open()
    await put(before, 'old', 'aaaa')
    const store = await killedAt('blob gone', { do: 'evict', bytes: 1 })
    const entry = await put(store, 'new', 'aaaa')
    assert.equal(await bodyOf(store, entry), 'aaaa')
    assert.deepEqual(await store.space.usage(), { blobs: 4, reserved: 0 })
  })
})
