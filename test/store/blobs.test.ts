import assert from 'node:assert/strict'
import { readdir, readlink, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
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

  it('are closed again where an equal body takes their place', async function () {
    if (process.platform !== 'linux') this.skip() // Other systems do not list the open files.
    const store = await fixture.open()
    const { sha256 } = await put(store, 'a', 'body')
    await put(store, 'b', 'body')
    const open = async (): Promise<string[]> => {
      const files = (await readdir('/proc/self/fd')).map((fd) => readlink(join('/proc/self/fd', fd)).catch(() => ''))
      return (await Promise.all(files)).filter((file) => file.includes(sha256))
    }
    while ((await open()).length > 0);
  })
})
