import assert from 'node:assert/strict'
import { rm, truncate } from 'node:fs/promises'
import { Fixture, put } from './support.js'

describe('blobs', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  it('never end early: a file that was cut under a reader is an error, not an end', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', 'hello, world')
    const blob = await store.blobs.open(entry.sha256, entry.size)
    await truncate(store.blobs.path(entry.sha256), 5)
    const buffer = Buffer.alloc(12)
    assert.equal(await blob?.read(buffer, 0), 5)
    await assert.rejects(blob!.read(buffer, 5), { code: 'disk' })
    await blob?.close()
  })

  it('are missing, not an error, when their folder is missing', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', 'body')
    await rm(store.layout.blobs, { recursive: true })
    assert.equal(await store.blobs.open(entry.sha256, entry.size), undefined)
    assert.equal(await store.blobs.remove(entry.sha256), false)
    await put(store, 'a', 'body')
  })
})
