/** What every implementation of the store's interfaces has to do, whatever it keeps its data in. */

import assert from 'node:assert/strict'
import { stat, writeFile } from 'node:fs/promises'
import { KissError } from '#kiss/errors.js'
import { entryOf, sha256 } from '../store/support.js'
import { spaceContract } from './space.js'
import { all, type StoreUnderTest } from './store-under-test.js'

export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name}: entries`, () => entryContract(open))
  describe(`${name}: blobs`, () => blobContract(open))
  describe(`${name}: counters`, () => counterContract(open))
  describe(`${name}: space`, () => spaceContract(open))
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
