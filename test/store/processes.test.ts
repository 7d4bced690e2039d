import assert from 'node:assert/strict'
import type { Store } from '#kiss/store/open.js'
import { Fixture, entryOf, listed, put, sha256 } from './support.js'

describe('several processes on one cache directory', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  /** Resolves when the store was told that entries changed. */
  const told = (store: Store) => new Promise<void>((resolve) => store.invalidation.onInvalidate(resolve))

  it('never exceed one quota, however they reserve and store at once', async () => {
    const quota = 200_000
    const store = await fixture.open()
    await store.space.setQuota(quota)
    const children = await Promise.all(Array.from({ length: 4 }, () => fixture.child()))
    const most = (await Promise.all(
      children.map((child, i) => child.ask({ do: 'churn', name: `p${i}`, bytes: 9_000 + i * 2_000, times: 40 })),
    )) as number[]
    assert.ok(Math.max(...most) <= quota, `${Math.max(...most)} bytes were in use`)
    // A test that never comes near the quota shows nothing.
    assert.ok(Math.max(...most) > quota - 40_000, `${Math.max(...most)} bytes were in use`)
    const { blobs, reserved } = await store.space.usage()
    assert.equal(reserved, 0)
    assert.equal(
      (await listed(store)).reduce((sum, entry) => sum + entry.size, 0),
      blobs,
    )
  })

  it('add their counts up', async () => {
    const store = await fixture.open()
    const children = await Promise.all(Array.from({ length: 4 }, () => fixture.child()))
    store.counters.add('requests', 7)
    for (let round = 0; round < 5; round++) {
      await Promise.all(children.map((child) => child.ask({ do: 'count', counter: 'requests', times: 100 })))
      await Promise.all(children.map((child) => child.ask({ do: 'flush' })))
    }
    assert.equal((await store.counters.read()).requests, 7 + 4 * 5 * 100)
  })

  it('lose no count that was flushed when one is killed', async () => {
    const store = await fixture.open()
    const child = await fixture.child()
    await child.ask({ do: 'count', counter: 'successes', times: 100 })
    await child.ask({ do: 'flush' })
    await child.kill()
    assert.equal((await store.counters.read()).successes, 100)
  })

  it('add their uses of one entry up', async () => {
    const store = await fixture.open()
    const { id } = await put(store, 'a', 'body')
    const children = await Promise.all(Array.from({ length: 3 }, () => fixture.child()))
    await Promise.all(children.map((child, i) => child.ask({ do: 'touch', id, at: 2_000 + i, times: 10 })))
    store.entries.touch(id, 1_500)
    await Promise.all(children.map((child) => child.ask({ do: 'flush' })))
    const [entry] = await listed(store)
    assert.deepEqual([entry?.hits, entry?.lastUsedAt], [31, 2_002])
  })

  it('hear of an entry that another one removed', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', 'body')
    assert.deepEqual(await store.entries.get(entry.id), entry)
    const child = await fixture.child()
    const heard = told(store)
    assert.equal(await child.ask({ do: 'remove', id: entry.id }), true)
    await heard
    assert.equal(await store.entries.get(entry.id), undefined)
  })

  it('hear of an entry that another one replaced', async () => {
    const store = await fixture.open()
    const { id } = await put(store, 'a', 'old')
    await store.entries.get(id)
    const child = await fixture.child()
    const heard = told(store)
    await child.ask({ do: 'put', name: 'a', body: 'new' })
    await heard
    assert.equal((await store.entries.get(id))?.sha256, sha256('new'))
    assert.equal(await store.blobs.open(sha256('old'), 3), undefined)
  })

  it('hear of evictions by another process', async () => {
    const store = await fixture.open()
    const { id } = await put(store, 'a', 'body')
    await store.entries.get(id)
    const child = await fixture.child()
    const heard = told(store)
    assert.notEqual(await child.ask({ do: 'evict', bytes: 1 }), 0)
    await heard
    assert.equal(await store.entries.get(id), undefined)
  })

  it('give the reservations of a dead one back when room is short, and no others', async () => {
    const isLive = async ({ owner }: { owner: string }) => owner === 'alive'
    const store = await fixture.open({ owner: 'alive', isLive })
    await store.space.setQuota(1_000_000)
    const child = await fixture.child()
    await child.ask({ do: 'reserve', id: 'theirs', bytes: 600_000 })
    await store.space.reserve('ours', 280_000)
    await child.kill()
    await store.space.reserve('more', 680_000)
    assert.deepEqual(await store.space.usage(), { blobs: 0, reserved: 960_000 })
    await assert.rejects(store.space.reserve('too much', 30_000), { code: 'quota' })
  })

  it('hand the reservation of a key on to the one that continues its transfer', async () => {
    const store = await fixture.open()
    await store.space.setQuota(100_000)
    const child = await fixture.child()
    await child.ask({ do: 'reserve', id: 'a', bytes: 60_000 })
    await child.kill()
    await store.space.reserve('a', 80_000)
    assert.deepEqual(await store.space.usage(), { blobs: 0, reserved: 80_000 })
  })

  it('say so when they have too many files open, and go on when they have fewer', async () => {
    const store = await fixture.open()
    const { id } = await put(store, 'a', 'body')
    const child = await fixture.child({ descriptors: 64 })
    const { held, ...failure } = (await child.ask({ do: 'open blobs', id })) as { held: number }
    assert.deepEqual(failure, { code: 'disk', hint: 'raise the limit of open files (ulimit -n)' })
    assert.ok(held > 10)
  })

  it('do not take an index for damaged because they have too many files open', async () => {
    const store = await fixture.open()
    await put(store, 'a', 'body')
    const child = await fixture.child({ descriptors: 64 })
    assert.deepEqual(await child.ask({ do: 'open without descriptors' }), { code: 'disk', entries: 1 })
  })

  it('do not keep the process alive', async () => {
    const child = await fixture.child()
    await child.ask({ do: 'put', name: 'a', body: 'body' })
    await child.ask({ do: 'touch', id: entryOf('a', 'body').id, at: 1, times: 1 })
    assert.equal(await child.leave(), 0)
  })
})
