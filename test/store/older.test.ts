import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sqlite3 from 'sqlite3'
import { project } from '../support/cli.js'
import { Fixture, bodyOf, listed, put, sha256 } from './support.js'

const VERSION = '1\naf4e123c-1a02-4594-a25b-9dd971b367de\n'

/** A cache directory as kiss of schema version 4 left it: three entries, of which two share their body. */
async function olderDirectory(dir: string): Promise<void> {
  for (const body of ['hello\n', 'other\n']) {
    const sum = sha256(body)
    await mkdir(join(dir, 'blobs', sum.slice(0, 2)), { recursive: true })
    await writeFile(join(dir, 'blobs', sum.slice(0, 2), sum), body, { mode: 0o444 })
  }
  await mkdir(join(dir, 'transfers'))
  await writeFile(join(dir, 'VERSION'), VERSION)
  await writeFile(join(dir, 'generation'), '')
  const index = new sqlite3.Database(join(dir, 'index.sqlite'))
  await once(index, 'open')
  const sql = await readFile(join(project, 'test/data/older/schema-4.sql'), 'utf8')
  await new Promise<void>((resolve, reject) => index.exec(sql, (error) => (error ? reject(error) : resolve())))
  await new Promise<void>((resolve, reject) => index.close((error) => (error ? reject(error) : resolve())))
}

describe('the cache directory of an older kiss', () => {
  const fixture = new Fixture()
  beforeEach(async () => {
    await fixture.begin()
    await olderDirectory(fixture.dir)
  })
  afterEach(() => fixture.end())

  it('is taken over with its entries, bodies, uses, counters and id', async () => {
    const store = await fixture.open()
    const entries = await listed(store)
    const shown = entries.map(({ url, hits }) => [url, hits]).sort()
    assert.deepEqual(shown, [
      ['https://builds.example.com/a.txt', 0],
      ['https://builds.example.com/b.txt', 1],
      ['https://builds.example.com/c.txt', 0],
    ])
    for (const entry of entries)
      assert.equal(await bodyOf(store, entry), entry.url.includes('/a.') ? 'other\n' : 'hello\n')
    assert.equal(store.layout.instance, VERSION.split('\n')[1])
    assert.equal((await store.counters.read()).downloaded, 18)
    assert.deepEqual(await store.space.usage(), { blobs: 12, reserved: 0 })
    assert.equal(await store.listing.logicalSize(), 18)
    assert.deepEqual(fixture.warnings, [])
  })

  it('is used like a new one: entries are stored, pinned, counted by day and verified', async () => {
    const store = await fixture.open()
    const [first] = await listed(store)
    await put(store, 'new', 'body')
    assert.deepEqual(await store.pins.add([first!.id], undefined), [first!.id])
    assert.deepEqual(await store.pins.usage(fixture.now), { entries: 1, bytes: 6 })
    store.entries.touch(first!.id, Date.now())
    await store.flush()
    assert.equal(
      [...(await store.listing.hitsByDay(first!.id)).values()].reduce((a, b) => a + b, 0),
      1,
    )
    assert.deepEqual(await store.verify(), { checked: 3, damaged: [], orphans: [], dangling: [] })
  })

  it('comes back from its files when its index is moved away after that', async () => {
    const store = await fixture.open()
    await store.verify()
    await fixture.close(store)
    for (const name of await readdir(fixture.dir)) if (name.startsWith('index.')) await rm(join(fixture.dir, name))
    const again = await fixture.open()
    await again.verify({ rebuild: true })
    assert.equal((await listed(again)).length, 3)
  })

  it('comes back from a copy of VERSION and blobs alone', async () => {
    const store = await fixture.open()
    await store.verify()
    const copy = fixture.scratch
    await mkdir(copy)
    for (const name of ['VERSION', 'blobs']) await cp(join(fixture.dir, name), join(copy, name), { recursive: true })
    const copied = await fixture.open({ cacheDir: copy })
    await copied.verify({ rebuild: true })
    assert.deepEqual(
      (await listed(copied)).map(({ url }) => url).sort(),
      (await listed(store)).map(({ url }) => url).sort(),
    )
  })
})
