import assert from 'node:assert/strict'
import { utimes } from 'node:fs/promises'
import { connect } from '#kiss/store/index/connection.js'
import { LruMap } from '#kiss/store/lru.js'
import { NAME } from '#kiss/store/names.js'
import { ENTRY_SHA256 } from '#kiss/store/index/schema.js'
import { Fixture, entryOf, listed, put, sha256 } from './support.js'

describe('entries', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  it('are answered from memory, without the index', async () => {
    const store = await fixture.open()
    const entry = entryOf('a', 'body')
    await store.entries.set(entry)
    const direct = await connect(store.layout.index, 1_000)
    await direct.query('DELETE FROM entries')
    await direct.close()
    assert.deepEqual(await store.entries.get(entry.id), entry)
  })

  it('are read from the index once for requests that come together', async () => {
    const entry = entryOf('a', 'body')
    const first = await fixture.open()
    await first.entries.set(entry)
    const { entries } = await fixture.open()
    const [one, other] = await Promise.all([entries.get(entry.id), entries.get(entry.id)])
    assert.deepEqual(one, entry)
    assert.equal(one, other)
  })

  it('are asked from the index again when the bell rings', async () => {
    const store = await fixture.open()
    const entry = entryOf('a', 'body')
    await store.entries.set(entry)
    const direct = await connect(store.layout.index, 1_000)
    await direct.query('DELETE FROM entries')
    await direct.close()
    const told = new Promise<void>((resolve) => store.invalidation.onInvalidate(resolve))
    await utimes(store.layout.changes, new Date(), new Date())
    await told
    assert.equal(await store.entries.get(entry.id), undefined)
  })

  it('are asked from the index again when a process was killed before it could ring', async () => {
    const store = await fixture.open()
    const entry = entryOf('a', 'body')
    await store.entries.set(entry)
    await store.invalidation.look()
    const told = new Promise<void>((resolve) => store.invalidation.onInvalidate(resolve))
    const direct = await connect(store.layout.index, 1_000)
    await direct.query('DELETE FROM entries')
    await direct.close()
    await store.invalidation.look()
    await told
    assert.equal(await store.entries.get(entry.id), undefined)
  })

  it('are counted without the names that lead to them, and so are their bytes and pins', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', 'body')
    const name = await put(store, 'b', entry.url, { source: NAME })
    await store.pins.add([entry.id, name.id], undefined)
    const counted = [await store.listing.count(), await store.listing.logicalSize(), await store.pins.usage(0)]
    assert.deepEqual(counted, [1, 4, { entries: 1, bytes: 4 }])
    await store.pins.remove([entry.id, name.id])
    assert.deepEqual(await store.purge({ all: true }, { dryRun: true }), { removed: 1, bytes: 4 })
    assert.deepEqual(await store.purge({ all: true }, { dryRun: false }), { removed: 1, bytes: 4 })
    assert.deepEqual(await listed(store), [])
  })

  it('are found by the beginning of an id, where no other entry has it', async () => {
    const store = await fixture.open()
    const [first, second] = [entryOf('a', 'body'), entryOf('b', 'body')]
    await store.entries.set({ ...first, id: `${'ab'.repeat(31)}00` })
    await store.entries.set({ ...second, id: `${'ab'.repeat(31)}11` })
    assert.equal((await store.entries.find(`${'ab'.repeat(31)}11`))?.url, second.url)
    assert.equal((await store.entries.find(`${'ab'.repeat(31)}0`))?.url, first.url)
    for (const id of ['ab'.repeat(31), 'abababa', 'cdcdcdcd', '%%%%%%%%', `${'ab'.repeat(31)}112`]) {
      assert.equal(await store.entries.find(id), undefined, id)
    }
  })

  it('count their hits by day, and lose them with the entry', async () => {
    const store = await fixture.open()
    const entry = entryOf('a', 'body')
    const day = 86_400_000
    await store.entries.set(entry)
    for (const at of [3 * day - 1, 3 * day, 3 * day + 5]) {
      store.entries.touch(entry.id, at)
      await store.flush()
    }
    store.entries.touch(sha256('another'), 3 * day)
    await store.flush()
    const hits = await store.listing.hitsByDay(entry.id)
    assert.deepEqual(
      [...hits],
      [
        [2, 1],
        [3, 2],
      ],
    )
    assert.equal((await store.listing.hitsByDay(sha256('another'))).size, 0)
    await store.remove(entry.id)
    assert.equal((await store.listing.hitsByDay(entry.id)).size, 0)
  })

  it('are not thought changed when they were only used', async () => {
    const store = await fixture.open()
    const { id } = entryOf('a', 'body')
    await store.entries.set(entryOf('a', 'body'))
    await store.invalidation.look()
    store.invalidation.onInvalidate(() => assert.fail('nothing was removed or replaced'))
    store.entries.touch(id, 5_000)
    await store.flush()
    await store.invalidation.look()
    assert.equal((await store.entries.get(id))?.hits, 1)
  })

  it('stay right when memory holds only some of them', async () => {
    const store = await fixture.open({ memoryLimit: 3 })
    const names = ['a', 'b', 'c', 'd', 'e']
    for (const name of names) await store.entries.set(entryOf(name, name))
    for (const name of names) store.entries.touch(sha256(name), 9_000)
    for (const name of names) assert.equal((await store.entries.get(sha256(name)))?.hits, 1, name)
    await store.flush()
    for (const name of names) assert.equal((await store.entries.get(sha256(name)))?.hits, 1, name)
    assert.deepEqual(
      (await listed(store)).map(({ hits }) => hits),
      [1, 1, 1, 1, 1],
    )
  })

  it('count every use while reads, touches and flushes overlap', async () => {
    const store = await fixture.open({ memoryLimit: 1 })
    const ids = ['a', 'b'].map(sha256)
    for (const name of ['a', 'b']) await store.entries.set(entryOf(name, name))
    const seen = new Map(ids.map((id) => [id, 0]))
    for (let round = 1; round <= 100; round++) {
      for (const id of ids) store.entries.touch(id, round)
      const reads = ids.map(async (id) => {
        const hits = (await store.entries.get(id))!.hits
        assert.ok(hits >= seen.get(id)! && hits <= round, `${hits} after ${round}`)
        seen.set(id, hits)
      })
      await Promise.all([...reads, round % 3 === 0 ? store.flush() : undefined])
    }
    await store.flush()
    for (const id of ids) assert.equal((await store.entries.get(id))?.hits, 100)
  })

  it('are forgotten by memory in the order of their use', () => {
    const map = new LruMap<string, number>(2)
    map.set('a', 1)
    map.set('b', 2)
    map.get('a')
    map.set('c', 3)
    assert.deepEqual([map.get('a'), map.get('b'), map.get('c'), map.size], [1, undefined, 3, 2])
  })

  it('names as many others with the same body as are asked for, without looking at the rest of the index', async () => {
    const store = await fixture.open()
    for (let i = 0; i < 30; i++) await store.entries.set(entryOf(`twin ${i}`, 'shared'))
    for (let i = 0; i < 30; i++) await store.entries.set(entryOf(`other ${i}`, `body ${i}`))
    const one = entryOf('twin 7', 'shared')
    const others = await store.entries.sharing(one, 10)
    assert.equal(new Set(others.map(({ id }) => id)).size, 10)
    assert.ok(others.every(({ id, sha256: sum }) => sum === one.sha256 && id !== one.id))
    assert.equal((await store.entries.sharing(one, 100)).length, 29)
    assert.deepEqual(await store.entries.sharing(entryOf('other 3', 'body 3'), 10), [])
    const index = await connect(store.layout.index, 1_000)
    const plan = await index.query<{ detail: string }>(
      `EXPLAIN QUERY PLAN SELECT key FROM entries WHERE ${ENTRY_SHA256} = 'x' AND key <> 'y' ORDER BY key LIMIT 10`,
    )
    await index.close()
    assert.match(plan[0]!.detail, /SEARCH entries USING INDEX entries_sha256/)
  })

  it('tell the end of one pin', async () => {
    const store = await fixture.open()
    const [pinned, forever, free] = [entryOf('a', 'a'), entryOf('b', 'b'), entryOf('c', 'c')]
    for (const entry of [pinned, forever, free]) await store.entries.set(entry)
    await store.pins.add([pinned.id], fixture.now + 5)
    await store.pins.add([forever.id], undefined)
    const end = (id: string, now = fixture.now): Promise<number | undefined> => store.pins.end(id, now)
    assert.deepEqual(
      [await end(pinned.id), await end(forever.id), await end(free.id)],
      [fixture.now + 5, Infinity, undefined],
    )
    assert.equal(await end(pinned.id, fixture.now + 5), undefined)
  })
})
