/** What every implementation of `Space` has to do: reservations, quota and eviction. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { Entry } from '#kiss/store/types.js'
import { entryOf, sha256 } from '../store/support.js'
import { all, type StoreUnderTest } from './store-under-test.js'

/** Bytes: so many that blocks, descriptions and rows hardly count beside them. */
const UNIT = 32_768

export function spaceContract(open: () => Promise<StoreUnderTest>): void {
  async function put(store: StoreUnderTest, name: string, size: number, lastUsedAt: number): Promise<Entry> {
    const body = name.padEnd(size * UNIT, '.')
    const entry = entryOf(name, body, { lastUsedAt })
    await store.space.reserve(entry.id, entry.size)
    const file = store.scratch()
    await writeFile(file, body)
    await store.publish(file, entry)
    return entry
  }
  /** Room for so many units beside the blocks and rows of a few small things. */
  const quota = (units: number) => units * UNIT + 30_000
  const isQuota = { name: 'KissError', code: 'quota' }

  it('has no quota until one is set, and forgets one that is taken back', async () => {
    const { space } = await open()
    assert.equal(await space.quota(), undefined)
    await space.reserve('a', 1_000_000)
    await space.setQuota(quota(100))
    assert.equal(await space.quota(), quota(100))
    await space.setQuota(undefined)
    assert.equal(await space.quota(), undefined)
  })

  it('shares the quota with other processes', async () => {
    const store = await open()
    await store.space.setQuota(quota(100))
    assert.equal(await (await store.reopen()).space.quota(), quota(100))
  })

  it('counts a reservation once, makes it larger, and gives it back', async () => {
    const { space } = await open()
    await space.reserve('a', 40 * UNIT)
    await space.reserve('a', 60 * UNIT)
    await space.reserve('b', 10 * UNIT)
    assert.deepEqual(await space.usage(), { blobs: 0, reserved: 70 * UNIT })
    await space.release('a')
    await space.release('a')
    assert.deepEqual(await space.usage(), { blobs: 0, reserved: 10 * UNIT })
  })

  it('turns a reservation into a blob, and counts equal bodies once', async () => {
    const { space } = await open()
    for (const id of ['a', 'b']) {
      await space.reserve(id, 64 * UNIT)
      await space.commit(id, sha256('body'), 4 * UNIT)
    }
    assert.deepEqual(await space.usage(), { blobs: 4 * UNIT, reserved: 0 })
  })

  it('makes room for a blob that became larger than what was reserved, or refuses it', async () => {
    const store = await open()
    await store.space.setQuota(quota(100))
    const old = await put(store, 'old', 60, 1_000)
    await store.space.reserve('a', 10 * UNIT)
    await store.space.commit('a', sha256('a'), 50 * UNIT)
    assert.equal(await store.entries.get(old.id), undefined)
    assert.deepEqual(await store.space.usage(), { blobs: 50 * UNIT, reserved: 0 })
    await assert.rejects(store.space.commit('b', sha256('b'), 101 * UNIT), isQuota)
    assert.equal((await store.space.usage()).blobs, 50 * UNIT)
  })

  it('makes room for the entry of an empty body in a full cache', async () => {
    const store = await open()
    const old = await put(store, 'old', 1, 1_000)
    await store.space.setQuota(await store.space.counted())
    await store.space.reserve('empty', 0, { ahead: 0 })
    await store.space.commit('empty', sha256(''), 0)
    assert.equal(await store.entries.get(old.id), undefined)
  })

  it('does not count two bodies of one key as the one that was reserved', async () => {
    const { space } = await open()
    await space.setQuota(quota(100))
    await space.reserve('a', 60 * UNIT)
    const second = sha256('second generation')
    await space.commit('a', sha256('first generation'), 60 * UNIT)
    await assert.rejects(space.commit('a', second, 60 * UNIT), isQuota)
    assert.deepEqual(await space.usage(), { blobs: 60 * UNIT, reserved: 0 })
  })

  it('evicts at once what a smaller quota leaves no room for', async () => {
    const store = await open()
    const old = await put(store, 'old', 60, 1_000)
    const kept = await put(store, 'kept', 30, 2_000)
    await store.space.setQuota(quota(50))
    assert.equal(await store.entries.get(old.id), undefined)
    assert.deepEqual(await store.entries.get(kept.id), kept)
    assert.deepEqual(await store.space.usage(), { blobs: 30 * UNIT, reserved: 0 })
  })

  it('refuses what not even an empty cache could hold, without evicting anything', async () => {
    const store = await open()
    await store.space.setQuota(quota(100))
    const kept = await put(store, 'kept', 50, 1)
    await assert.rejects(store.space.reserve('b', 101 * UNIT), isQuota)
    assert.deepEqual(await store.entries.get(kept.id), kept)
    await store.space.reserve('b', 100 * UNIT)
  })

  it('evicts nothing for promised bytes, and a step at a time for granted bytes', async () => {
    const store = await open()
    await store.space.setQuota(quota(100))
    for (let i = 0; i < 9; i++) await put(store, `entry ${i}`, 10, i)
    await store.space.reserve('x', 100 * UNIT, { ahead: 0 })
    assert.equal((await all(store.entries)).length, 9)
    await store.space.reserve('x', 100 * UNIT, { ahead: 15 * UNIT })
    assert.equal((await all(store.entries)).length, 8)
    await store.space.reserve('x', 100 * UNIT, { ahead: 100 * UNIT })
    assert.equal((await all(store.entries)).length, 0)
  })

  it('counts blocks, descriptions and rows: many small bodies do not fit into a small quota', async () => {
    const store = await open()
    await store.space.setQuota(65_536)
    for (let i = 0; i < 30; i++) {
      const entry = entryOf(`small ${i}`, `${i}`.padEnd(4), { lastUsedAt: i })
      const file = store.scratch()
      await writeFile(file, `${i}`.padEnd(4))
      await store.publish(file, entry)
    }
    const kept = await all(store.entries)
    assert.ok(kept.length >= 4 && kept.length <= 8, `${kept.length} entries`)
    assert.ok((await store.space.counted()) <= 65_536)
  })

  for (const body of ['the same', '']) {
    it(`counts every entry of the shared body "${body}", and evicts those that were used least recently`, async () => {
      const store = await open()
      await store.space.setQuota(65_536)
      for (let i = 0; i < 30; i++) {
        const file = store.scratch()
        await writeFile(file, body)
        await store.publish(file, entryOf(`shared ${i}`, body, { lastUsedAt: i }))
      }
      const kept = (await all(store.entries)).map(({ lastUsedAt }) => lastUsedAt).sort((a, b) => a - b)
      assert.ok(kept.length >= 5 && kept.length <= 10, `${kept.length} entries`)
      assert.equal(kept.at(-1), 29)
      assert.ok((await store.space.counted()) <= 65_536)
    })
  }

  it('refuses a body that does not fit beside the downloads in flight', async () => {
    const { space } = await open()
    await space.setQuota(quota(100))
    await space.reserve('a', 60 * UNIT)
    await assert.rejects(space.reserve('b', 50 * UNIT), isQuota)
    await assert.rejects(space.reserve('a', 101 * UNIT), isQuota)
    assert.deepEqual(await space.usage(), { blobs: 0, reserved: 60 * UNIT })
    await space.release('a')
    await space.reserve('b', 50 * UNIT)
  })

  it('evicts the least recently used blobs, and no more than needed', async () => {
    const store = await open()
    await store.space.setQuota(quota(100))
    const [oldest, middle, newest] = [
      await put(store, 'oldest', 30, 1_000),
      await put(store, 'middle', 30, 2_000),
      await put(store, 'newest', 30, 3_000),
    ]
    store.entries.touch(oldest.id, 4_000)
    await store.space.reserve('x', 40 * UNIT)
    assert.equal(await store.entries.get(middle.id), undefined)
    assert.equal(await store.blobs.open(middle.sha256, 30 * UNIT), undefined)
    assert.ok(await store.entries.get(oldest.id))
    assert.ok(await store.entries.get(newest.id))
    assert.deepEqual(await store.space.usage(), { blobs: 60 * UNIT, reserved: 40 * UNIT })
  })

  it('goes by the latest use of all entries of a blob', async () => {
    const store = await open()
    await store.space.setQuota(quota(100))
    const shared = 'shared'.padEnd(40 * UNIT, '.')
    for (const [name, lastUsedAt] of [
      ['a', 1],
      ['b', 5_000],
    ] as const) {
      const entry = entryOf(name, shared, { lastUsedAt })
      await store.space.reserve(entry.id, 40 * UNIT)
      const file = store.scratch()
      await writeFile(file, shared)
      await store.publish(file, entry)
    }
    const lone = await put(store, 'lone', 40, 4_000)
    await store.space.reserve('x', 60 * UNIT)
    assert.equal(await store.entries.get(lone.id), undefined)
    assert.deepEqual((await all(store.entries)).map((entry) => entry.id).sort(), [sha256('a'), sha256('b')].sort())
  })

  it('does not evict a blob whose entry is about to be written', async () => {
    const { space } = await open()
    await space.setQuota(quota(100))
    await space.reserve('a', 60 * UNIT)
    await space.commit('a', sha256(randomUUID()), 60 * UNIT)
    await assert.rejects(space.reserve('b', 50 * UNIT), isQuota)
    assert.deepEqual(await space.usage(), { blobs: 60 * UNIT, reserved: 0 })
  })

  it('evicts on demand, whatever the quota, and says what it freed', async () => {
    const store = await open()
    await put(store, 'a', 30, 1_000)
    await put(store, 'b', 30, 2_000)
    assert.ok((await store.space.evict(31 * UNIT)) >= 60 * UNIT)
    assert.equal(await store.space.evict(1), 0)
    assert.deepEqual(await store.space.usage(), { blobs: 0, reserved: 0 })
  })
}
