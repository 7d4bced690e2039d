import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { SmallBodies } from '#kiss/store/small-bodies.js'
import { Fixture, plant, put, sha256 } from './support.js'

describe('small bodies in memory', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  it('hold a small body once for all entries that name it, and no large body', async () => {
    const store = await fixture.open()
    const small = await put(store, 'a', 'small')
    await put(store, 'b', 'small')
    const large = await put(store, 'c', 'x'.repeat(64 * 1024 + 1))
    for (const { sha256: sum, size } of [small, small, large]) await (await store.open({ sha256: sum, size }))?.close()
    assert.equal(store.bodies.bytes, 5)
    assert.equal(store.bodies.peek(small.sha256)?.inMemory.toString(), 'small')
    assert.equal(store.bodies.peek(large.sha256), undefined)
  })

  it('never exceed their limit, and forget the one that was read longest ago', async () => {
    const store = await fixture.open()
    const bodies = new SmallBodies({ open: (sum, size) => store.blobs.open(sum, size), limit: 250 })
    const entries = await Promise.all(['a', 'b', 'c', 'd'].map((name) => put(store, name, name.repeat(100))))
    for (const { sha256: sum, size } of entries) {
      await bodies.open(sum, size)
      assert.ok(bodies.bytes <= 250)
    }
    assert.deepEqual(
      entries.map(({ sha256: sum }) => bodies.peek(sum) !== undefined),
      [false, false, true, true],
    )
  })

  it('are gone as soon as another process has removed or replaced an entry, before its news arrives', async () => {
    const store = await fixture.open()
    const child = await fixture.child()
    for (const change of [{ do: 'remove', id: sha256('a') } as const, { do: 'put', name: 'a', body: 'new' } as const]) {
      const { id, sha256: sum, size } = await put(store, 'a', 'old')
      await store.entries.get(id)
      await store.open({ sha256: sum, size })
      await child.ask(change)
      assert.equal(store.entries.known(id), undefined)
      assert.equal(store.bodies.peek(sum), undefined)
    }
  })

  it('are gone with their file, and read again when another program has written to it', async () => {
    const store = await fixture.open()
    const { sha256: sum, size } = await put(store, 'a', 'body')
    await store.open({ sha256: sum, size })
    await plant(store, sum, 'body')
    await nextTurn()
    assert.equal(store.bodies.peek(sum), undefined)
    assert.ok(await store.open({ sha256: sum, size }))
    assert.ok(store.bodies.peek(sum))
    await rm(store.blobs.path(sum))
    await nextTurn()
    assert.equal(store.bodies.peek(sum), undefined)
    assert.equal(store.bodies.bytes, 0)
  })
})
