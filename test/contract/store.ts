/** What every implementation of the store's interfaces has to do, whatever it keeps its data in. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { stat, writeFile } from 'node:fs/promises'
import { KissError } from '#kiss/errors.js'
import type { BlobStore, Counters, Entry, EntryStore, Space } from '#kiss/store/types.js'
import { entryOf, sha256 } from '../store/support.js'

export interface StoreUnderTest {
  readonly entries: EntryStore
  readonly blobs: BlobStore
  readonly counters: Counters
  readonly space: Space
  /** A path for a new file that can be adopted. */
  scratch(): string
  /** Gives the store a file and its entry, as the end of a transfer does. */
  publish(file: string, entry: Entry): Promise<boolean>
  /** The same data as another process would see it. */
  reopen(): Promise<StoreUnderTest>
}

export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name}: entries`, () => entryContract(open))
  describe(`${name}: blobs`, () => blobContract(open))
  describe(`${name}: counters`, () => counterContract(open))
  describe(`${name}: space`, () => spaceContract(open))
}

async function all(entries: EntryStore): Promise<Entry[]> {
  const found: Entry[] = []
  for await (const entry of entries.list()) found.push(entry)
  return found
}

function entryContract(open: () => Promise<StoreUnderTest>): void {
  it('gives back an entry as it was set, in this process and in another', async () => {
    const store = await open()
    const entry = entryOf('a', 'body', { headers: { etag: ':"odd"', contentType: 'text/plain; x=":"' }, private: true })
    await store.entries.set(entry)
    assert.deepEqual(await store.entries.get(entry.id), entry)
    assert.deepEqual(await (await store.reopen()).entries.get(entry.id), entry)
  })

  it('has nothing for an id that was never set', async () => {
    const { entries } = await open()
    assert.equal(await entries.get(sha256('nothing')), undefined)
    assert.equal(await entries.delete(sha256('nothing')), false)
  })

  it('replaces an entry, and never lets its use go backwards', async () => {
    const store = await open()
    await store.entries.set(entryOf('a', 'old', { hits: 5, lastUsedAt: 9_000 }))
    await store.entries.set(entryOf('a', 'new', { hits: 2, lastUsedAt: 3_000 }))
    const expected = entryOf('a', 'new', { hits: 5, lastUsedAt: 9_000 })
    assert.deepEqual(await store.entries.get(expected.id), expected)
    assert.deepEqual(await (await store.reopen()).entries.get(expected.id), expected)
  })

  it('renews an entry that is still there, and none that was removed or replaced meanwhile', async () => {
    const store = await open()
    const entry = entryOf('a', 'body')
    await store.entries.set(entry)
    store.entries.touch(entry.id, 5_000)
    const renewed = { ...entry, validatedAt: 6_000, staleAt: 16_000 }
    assert.equal(await store.entries.renew(renewed), true)
    assert.deepEqual(await store.entries.get(entry.id), { ...renewed, hits: 1, lastUsedAt: 5_000 })
    assert.equal(await store.entries.renew(entryOf('a', 'another')), false)
    await store.entries.delete(entry.id)
    assert.equal(await store.entries.renew(renewed), false)
    assert.equal(await store.entries.get(entry.id), undefined)
  })

  it('shows a touch at once, and another process sees it after the next flush', async () => {
    const store = await open()
    const entry = entryOf('a', 'body', { lastUsedAt: 9_000 })
    await store.entries.set(entry)
    store.entries.touch(entry.id, 12_000)
    store.entries.touch(entry.id, 11_000)
    const expected = { ...entry, hits: 2, lastUsedAt: 12_000 }
    assert.deepEqual(await store.entries.get(entry.id), expected)
    assert.deepEqual(await all(store.entries), [expected])
    assert.deepEqual(await (await store.reopen()).entries.get(entry.id), expected)
  })

  it('does not bring an entry back with a touch that came late', async () => {
    const store = await open()
    const entry = entryOf('a', 'body')
    await store.entries.set(entry)
    store.entries.touch(entry.id, 12_000)
    assert.equal(await store.entries.delete(entry.id), true)
    store.entries.touch(entry.id, 13_000)
    assert.equal(await store.entries.get(entry.id), undefined)
    assert.equal(await (await store.reopen()).entries.get(entry.id), undefined)
  })

  it('deletes an entry only while it names the blob that is meant', async () => {
    const { entries } = await open()
    const entry = entryOf('a', 'new')
    await entries.set(entry)
    assert.equal(await entries.delete(entry.id, sha256('old')), false)
    assert.deepEqual(await entries.get(entry.id), entry)
    assert.equal(await entries.delete(entry.id, entry.sha256), true)
    assert.equal(await entries.get(entry.id), undefined)
  })

  it('lists every entry once while others are deleted', async () => {
    const { entries } = await open()
    const names = Array.from({ length: 1_200 }, (_, i) => `entry ${i}`)
    for (const name of names) await entries.set(entryOf(name, name))
    const seen: string[] = []
    for await (const entry of entries.list()) {
      seen.push(entry.id)
      await entries.delete(entry.id)
    }
    assert.deepEqual(seen.sort(), names.map(sha256).sort())
    assert.deepEqual(await all(entries), [])
  })

  it('knows whether an entry names a blob', async () => {
    const { entries } = await open()
    for (const name of ['a', 'b']) await entries.set(entryOf(name, 'the same'))
    await entries.set(entryOf('c', 'another'))
    assert.deepEqual(
      await Promise.all(['the same', 'another', 'nothing'].map((body) => entries.isNamed(sha256(body)))),
      [true, true, false],
    )
  })
}

function blobContract(open: () => Promise<StoreUnderTest>): void {
  async function adopt(store: StoreUnderTest, body: string): Promise<string> {
    const file = store.scratch()
    await writeFile(file, body)
    await store.blobs.adopt(file, sha256(body))
    return sha256(body)
  }

  it('reads an adopted body at any position', async () => {
    const store = await open()
    const sum = await adopt(store, 'hello, world')
    const blob = await store.blobs.open(sum, 12)
    assert.ok(blob)
    assert.deepEqual([blob.sha256, blob.size, blob.path], [sum, 12, store.blobs.path(sum)])
    const buffer = Buffer.alloc(5)
    assert.equal(await blob.read(buffer, 7), 5)
    assert.equal(buffer.toString(), 'world')
    assert.equal(await blob.read(buffer, 12), 0)
    await blob.close()
  })

  it('takes an empty body', async () => {
    const store = await open()
    const blob = await store.blobs.open(await adopt(store, ''), 0)
    assert.equal(await blob?.read(Buffer.alloc(1), 0), 0)
    await blob?.close()
  })

  it('keeps bodies read-only', async () => {
    const store = await open()
    const { mode } = await stat(store.blobs.path(await adopt(store, 'body')))
    assert.equal(mode & 0o777, 0o400)
  })

  it('opens nothing where there is no blob or one of another size', async () => {
    const store = await open()
    assert.equal(await store.blobs.open(sha256('nothing'), 7), undefined)
    assert.equal(await store.blobs.open(await adopt(store, 'body'), 5), undefined)
  })

  it('adopts over an older blob of that name: the fresh copy heals it', async () => {
    const store = await open()
    const file = store.scratch()
    await writeFile(file, 'bodX')
    await store.blobs.adopt(file, sha256('body'))
    const blob = await store.blobs.open(await adopt(store, 'body'), 4)
    const buffer = Buffer.alloc(4)
    await blob?.read(buffer, 0)
    assert.equal(buffer.toString(), 'body')
    await blob?.close()
  })

  it('goes on reading a blob that was removed meanwhile', async () => {
    const store = await open()
    const sum = await adopt(store, 'body')
    const blob = await store.blobs.open(sum, 4)
    assert.equal(await store.blobs.remove(sum), true)
    assert.equal(await store.blobs.remove(sum), false)
    const buffer = Buffer.alloc(4)
    assert.equal(await blob?.read(buffer, 0), 4)
    assert.equal(buffer.toString(), 'body')
    await blob?.close()
    assert.equal(await store.blobs.open(sum, 4), undefined)
  })

  it('closes after the reads that are under way, and reads no more', async () => {
    const store = await open()
    const blob = await store.blobs.open(await adopt(store, 'body'), 4)
    assert.ok(blob)
    const buffer = Buffer.alloc(4)
    const [n] = await Promise.all([blob.read(buffer, 0), blob.close(), blob.close()])
    assert.equal(n, 4)
    assert.equal(buffer.toString(), 'body')
    await assert.rejects(blob.read(buffer, 0), KissError)
  })

  it('says disk when a file cannot be adopted', async () => {
    const store = await open()
    await assert.rejects(store.blobs.adopt(store.scratch(), sha256('x')), { code: 'disk' })
  })
}

function counterContract(open: () => Promise<StoreUnderTest>): void {
  it('counts at once, and for other processes after the next flush', async () => {
    const store = await open()
    store.counters.add('downloaded', 10)
    store.counters.add('downloaded', 2 ** 45)
    store.counters.add('requests', 1)
    const counts = await store.counters.read()
    assert.deepEqual([counts.downloaded, counts.requests, counts.failures], [2 ** 45 + 10, 1, 0])
    assert.deepEqual(await (await store.reopen()).counters.read(), counts)
  })

  it('adds up what several write', async () => {
    const first = await open()
    const second = await first.reopen()
    first.counters.add('requests', 3)
    second.counters.add('requests', 4)
    await first.reopen()
    const third = await second.reopen()
    assert.equal((await third.counters.read()).requests, 7)
  })
}

/** Bytes: so many that blocks, descriptions and rows hardly count beside them. */
const UNIT = 32_768

function spaceContract(open: () => Promise<StoreUnderTest>): void {
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
