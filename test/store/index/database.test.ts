import assert from 'node:assert/strict'
import { mkdir, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from '#kiss/store/index/connection.js'
import type { Store } from '#kiss/store/open.js'
import { Fixture, bodyOf, entryOf, listed, put } from '../support.js'

describe('an index that fails', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  async function indexFiles(): Promise<string[]> {
    return (await readdir(fixture.dir)).filter((name) => name.startsWith('index.')).sort()
  }

  function assertSetAside(files: readonly string[], outcome = /kiss verify --rebuild/): void {
    assert.equal(files.filter((name) => /^index\.sqlite\.damaged-\d{8}T\d{9}Z$/.test(name)).length, 1, files.join())
    assert.equal(fixture.warnings.length, 1, fixture.warnings.join())
    assert.match(fixture.warnings[0]!, /^the index was unusable \(.*\) and is now .*damaged-/)
    assert.match(fixture.warnings[0]!, outcome)
    assert.doesNotMatch(fixture.warnings[0]!, /\n/)
  }

  async function closedStore(): Promise<Store> {
    const store = await fixture.open()
    await put(store, 'a', 'body')
    await fixture.close(store)
    return store
  }

  for (const [what, spoil] of [
    [
      'is no database at all',
      (file: string) => writeFile(file, 'not a database, but long enough to be one. '.repeat(100)),
    ],
    ['is cut off', (file: string) => truncate(file, 5_000)],
    [
      'is a directory',
      async (file: string) => {
        await rm(file)
        await mkdir(file)
      },
    ],
  ] as const) {
    it(`is set aside when it ${what}, and the store goes on`, async () => {
      const { layout } = await closedStore()
      await spoil(layout.index)
      const store = await fixture.open()
      const entry = await put(store, 'b', 'another')
      assert.deepEqual(await store.entries.get(entry.id), entry)
      assertSetAside(await indexFiles())
    })
  }

  it('is made anew without a word when there is none', async () => {
    const { layout } = await closedStore()
    await rm(layout.index)
    const store = await fixture.open()
    assert.deepEqual(await listed(store), [])
    assert.deepEqual(fixture.warnings, [])
  })

  it('is set aside when damage shows in use, is a clear error until the restart, and begins anew then', async () => {
    const store = await fixture.open()
    for (let i = 0; i < 200; i++) await store.entries.set(entryOf(`entry ${i}`, 'body'))
    const other = await fixture.open()
    // Nothing is left in the -wal that could hide the damage.
    const direct = await connect(store.layout.index, 1_000)
    await direct.query('PRAGMA wal_checkpoint(TRUNCATE)')
    await direct.close()
    const bytes = await readFile(store.layout.index)
    await writeFile(
      store.layout.index,
      Buffer.concat([bytes.subarray(0, 4_096), Buffer.alloc(bytes.length - 4_096, 0xff)]),
    )

    await assert.rejects(put(other, 'b', 'another'), { code: 'disk' })
    assertSetAside(await indexFiles(), /restart kiss, which begins a new one/)
    // Both processes have the old file open.
    for (const open of [store, other])
      await assert.rejects(listed(open), { code: 'disk', message: /^the index .* was removed or replaced/ })
    const restarted = await fixture.open()
    const entry = await put(restarted, 'b', 'another')
    assert.deepEqual(await listed(restarted), [entry])
    assert.equal(fixture.warnings.length, 1)
  })

  it('is a clear error, and is left as it is, while another process holds it', async () => {
    const { layout } = await closedStore()
    const holder = await connect(layout.index, 1_000)
    await holder.query('BEGIN IMMEDIATE')
    const store = await fixture.open({ busyTimeout: 50 })
    await assert.rejects(put(store, 'b', 'another'), { code: 'disk', message: /^another process holds the index/ })
    await holder.query('COMMIT')
    await holder.close()
    await put(store, 'b', 'another')
    assert.equal((await listed(store)).length, 2)
    assert.deepEqual(fixture.warnings, [])
  })

  it('is a clear error for a process under which it was removed, and for no other', async () => {
    const first = await fixture.open()
    await put(first, 'a', 'body')
    await rm(first.layout.index)
    const second = await fixture.open()
    const entry = await put(second, 'b', 'another')
    await assert.rejects(first.entries.reload(entry.id), {
      code: 'disk',
      message: /^the index .* was removed or replaced/,
      hint: 'restart kiss',
    })
    assert.deepEqual(await listed(second), [entry])
  })

  it('leaves blobs that count for the quota, and can be evicted', async () => {
    const store = await closedStore()
    await rm(store.layout.index)
    const again = await fixture.open()
    await again.space.setQuota(15_000)
    assert.deepEqual(await again.space.usage(), { blobs: 4, reserved: 0 })
    await again.space.reserve('x', 2)
    assert.deepEqual(await again.space.usage(), { blobs: 0, reserved: 2 })
  })

  it('leaves blobs that are not taken for orphans, and whose entries come back with a rebuild', async () => {
    const before = await fixture.open()
    const entry = await put(before, 'a', 'body')
    await fixture.close(before)
    await rm(before.layout.index)

    const store = await fixture.open()
    assert.equal(await store.entries.get(entry.id), undefined)
    assert.deepEqual(await store.verify(), { checked: 1, damaged: [], orphans: [], dangling: [] })
    assert.match(fixture.warnings.join(), /1 stored bod.*kiss verify --rebuild/)
    await store.verify({ rebuild: true })
    assert.deepEqual(await store.entries.get(entry.id), entry)
    assert.equal(await bodyOf(store, entry), 'body')
  })

  it('still lets memory answer, and says disk for what memory does not know', async () => {
    const store = await fixture.open()
    const known = await put(store, 'a', 'body')
    assert.deepEqual(await store.entries.get(known.id), known)
    const direct = await connect(store.layout.index, 1_000)
    await direct.query('ALTER TABLE entries RENAME TO gone')
    await direct.close()
    assert.deepEqual(await store.entries.get(known.id), known)
    await assert.rejects(store.entries.set(known), { name: 'KissError', code: 'disk' })
    await assert.rejects(store.entries.get(entryOf('b', 'x').id), { name: 'KissError', code: 'disk' })
    assert.deepEqual(await store.entries.get(known.id), known)
  })

  it('is opened by ten at once on a new directory, without an error or a warning', async () => {
    const stores = await Promise.all(Array.from({ length: 10 }, () => fixture.open()))
    await Promise.all(stores.map((store, i) => store.entries.set(entryOf(`entry ${i}`, 'body'))))
    assert.equal((await listed(stores[0]!)).length, 10)
    assert.equal(new Set(stores.map((store) => store.layout.instance)).size, 1)
    assert.deepEqual(fixture.warnings, [])
    assert.deepEqual(
      (await readdir(fixture.dir)).filter((name) => name.endsWith('.tmp')),
      [],
    )
    assert.ok((await readdir(fixture.dir)).includes('VERSION'), join(fixture.dir, 'VERSION'))
  })

  it('of a newer kiss is refused, naming both versions, and left as it is', async () => {
    const store = await fixture.open()
    await put(store, 'a', 'body')
    await fixture.close(store)
    const index = await connect(store.layout.index, 1_000)
    await index.query('PRAGMA user_version = 99')
    await index.close()
    await assert.rejects(fixture.open(), {
      code: 'configuration',
      message: /version 99, and this kiss knows version \d+$/,
      hint: /move the index away and run "kiss verify --rebuild"/,
    })
    await assert.rejects(connect(store.layout.index, 1_000), { code: 'configuration' })
    assert.deepEqual(
      (await readdir(fixture.dir)).filter((name) => name.includes('damaged')),
      [],
    )
  })

  it('of version 10 without the index of the list stays in use by an older kiss', async () => {
    const store = await fixture.open()
    await put(store, 'a', 'body')
    const index = await connect(store.layout.index, 1_000)
    await index.query('DROP INDEX entries_listed')
    await index.query('PRAGMA user_version = 10')
    await index.query(`INSERT INTO reservations VALUES ('r', 5, 5, 'another process', 0)`)
    const newer = await connect(store.layout.index, 1_000)
    assert.deepEqual(await newer.query('PRAGMA user_version'), [{ user_version: 10 }])
    assert.deepEqual(await newer.query('SELECT (SELECT count(*) FROM blobs) AS b, count(*) AS r FROM reservations'), [
      { b: 1, r: 1 },
    ])
    await index.close()
    await newer.close()
  })

  it('of an older kiss is brought up to date, and its ledger counted anew', async () => {
    const before = await fixture.open()
    const entry = await put(before, 'a', 'body', { lastUsedAt: 7 })
    await before.space.usage()
    await fixture.close(before)
    const index = await connect(before.layout.index, 1_000)
    await index.query('DROP TABLE blobs')
    await index.query('CREATE TABLE blobs (sha256 TEXT PRIMARY KEY, size INTEGER NOT NULL)')
    await index.query('PRAGMA user_version = 5')
    await index.close()
    const store = await fixture.open()
    assert.deepEqual(await store.space.usage(), { blobs: 4, reserved: 0 })
    assert.deepEqual(await listed(store), [entry])
    assert.equal(await bodyOf(store, entry), 'body')
  })
})
