import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { smallBody, SmallBodies } from '#kiss/store/small-bodies.js'
import { Fixture, plant, put, sha256 } from './support.js'

describe('small bodies in memory', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  it('hold a small body once for all entries that name it, and no large body', async () => {
    const store = await fixture.open()
    const small = await put(store, 'a', 'small')
    await put(store, 'b', 'small')
    const large = await put(store, 'c', 'x'.repeat(smallBody + 1))
    for (const entry of [small, small, large]) await (await store.open(entry))?.close()
    assert.equal(store.bodies.bytes, 5)
    assert.equal(store.bodies.peek(small.sha256)?.bytes.toString(), 'small')
    assert.equal(store.bodies.peek(large.sha256), undefined)
  })

  it('have no bytes behind their end, as a file has none', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', 'small')
    const blob = (await store.open(entry)) ?? assert.fail('it is there')
    const buffer = Buffer.alloc(8)
    const read = async (position: number): Promise<number> => blob.read(buffer, position)
    assert.deepEqual([await read(3), await read(5), await read(6), await read(Number.MAX_SAFE_INTEGER)], [2, 0, 0, 0])
    await blob.close()
  })

  it('forget the one that was read longest ago, to make room for another', async () => {
    const store = await fixture.open()
    const bodies = new SmallBodies({ open: (sum, size) => store.blobs.open(sum, size), limit: 250 })
    const entries = await Promise.all(['a', 'b', 'c', 'd'].map((name) => put(store, name, name.repeat(100))))
    for (const { sha256: sum, size } of entries) {
      assert.ok(bodies.admits(sum, size))
      await (await bodies.open(sum, size))?.close()
      assert.ok(bodies.bytes <= 250)
    }
    assert.deepEqual(
      entries.map(({ sha256: sum }) => bodies.peek(sum) !== undefined),
      [false, false, true, true],
    )
  })

  it('never exceed their limit, however many readers hold on to theirs', async () => {
    const store = await fixture.open()
    const bodies = new SmallBodies({ open: (sum, size) => store.blobs.open(sum, size), limit: 250 })
    const entries = await Promise.all(['a', 'b', 'c'].map((name) => put(store, name, name.repeat(100))))
    const [a, b, c] = entries.map(({ sha256: sum, size }) => ({ sum, size }))
    const first = await bodies.open(a!.sum, 100)
    const second = await bodies.open(b!.sum, 100)
    assert.equal(bodies.admits(c!.sum, 100), false)
    bodies.clear()
    assert.deepEqual([bodies.bytes, bodies.admits(c!.sum, 100)], [200, false])
    await first?.close()
    assert.deepEqual([bodies.bytes, bodies.admits(c!.sum, 100)], [100, true])
    assert.equal(second?.inMemory.toString(), 'b'.repeat(100))
  })

  it('are read from their file once for all who ask at the same time', async () => {
    const store = await fixture.open()
    const { sha256: sum, size } = await put(store, 'a', 'body')
    let opened = 0
    const bodies = new SmallBodies({
      open: (name, length) => {
        opened++
        return store.blobs.open(name, length)
      },
    })
    const blobs = await Promise.all([1, 2, 3].map(() => bodies.open(sum, size)))
    assert.equal(opened, 1)
    for (const blob of blobs) await blob?.close()
    assert.equal(bodies.bytes, size)
  })

  it('are gone as soon as another process has removed or replaced an entry, before its news arrives', async () => {
    const store = await fixture.open()
    const child = await fixture.child()
    for (const change of [{ do: 'remove', id: sha256('a') } as const, { do: 'put', name: 'a', body: 'new' } as const]) {
      const { id, sha256: sum, size } = await put(store, 'a', 'old')
      await store.entries.get(id)
      await (await store.open({ sha256: sum, size }))?.close()
      await child.ask(change)
      assert.equal(store.entries.known(id), undefined)
      assert.equal(store.bodies.peek(sum), undefined)
    }
  })

  it('are gone with their file, and read again when another program has written to it', async () => {
    const store = await fixture.open()
    let now = 0
    const bodies = new SmallBodies({ open: (name, length) => store.blobs.open(name, length), now: () => now })
    const { sha256: sum, size } = await put(store, 'a', 'body')
    await (await bodies.open(sum, size))?.close()
    await plant(store, sum, 'body')
    await nextTurn()
    now += 10
    assert.equal(bodies.peek(sum), undefined)
    await (await bodies.open(sum, size))?.close()
    const again = bodies.peek(sum)
    assert.equal(again?.bytes.toString(), 'body')
    again.leave()
    await rm(store.blobs.path(sum))
    await nextTurn()
    now += 10
    assert.equal(bodies.peek(sum), undefined)
    assert.equal(bodies.bytes, 0)
  })

  it('are served from memory between two looks at their file, which another program removed', async () => {
    const store = await fixture.open()
    const bodies = new SmallBodies({ open: (name, length) => store.blobs.open(name, length), now: () => 0 })
    const { sha256: sum, size } = await put(store, 'a', 'body')
    await (await bodies.open(sum, size))?.close()
    await rm(store.blobs.path(sum))
    await nextTurn()
    assert.equal(bodies.peek(sum)?.bytes.toString(), 'body')
  })
})
