import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
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

  it('is set aside while it is in use, when it is damaged then', async () => {
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

    const entry = await put(other, 'b', 'another')
    assert.deepEqual(await other.entries.get(entry.id), entry)
    assertSetAside(await indexFiles())
  })

  it('is set aside by who opens it, when it is emptied while its log is in use', async () => {
    const store = await fixture.open()
    await put(store, 'a', 'body')
    await truncate(store.layout.index, 0)
    const other = await fixture.child()
    await other.ask({ do: 'put', name: 'b', body: 'another' })
    await store.invalidation.look()
    const third = await put(store, 'c', 'a third')
    assert.deepEqual(await other.ask({ do: 'get', id: third.id }), third)
    assert.equal((await listed(store)).length, 2)
    assert.equal((await indexFiles()).filter((name) => /damaged-\d{8}T\d{9}Z$/.test(name)).length, 1)
  })

  it('is opened again when its log was removed in use, and another process began a new one', async () => {
    const store = await fixture.open()
    await put(store, 'a', 'body')
    const direct = await connect(store.layout.index, 1_000)
    await direct.query('PRAGMA wal_checkpoint(TRUNCATE)')
    await direct.close()
    await rm(`${store.layout.index}-wal`)
    const other = await fixture.child()
    await other.ask({ do: 'put', name: 'b', body: 'another' })
    await store.invalidation.look()
    const third = await put(store, 'c', 'a third')
    assert.deepEqual(await other.ask({ do: 'get', id: third.id }), third)
    assert.equal((await listed(store)).length, 3)
    assert.deepEqual(fixture.warnings, [])
  })

  it('is set aside when another process holds it for good', async () => {
    const { layout } = await closedStore()
    const holder = await connect(layout.index, 1_000)
    await holder.query('PRAGMA locking_mode = EXCLUSIVE')
    await holder.query('BEGIN EXCLUSIVE')
    const store = await fixture.open({ busyTimeout: 50 })
    const entry = await put(store, 'b', 'another')
    await holder.query('COMMIT')
    await holder.close()
    assert.deepEqual(await store.entries.get(entry.id), entry)
    assertSetAside(await indexFiles())
  })

  it('is set aside when a writer stops in the middle of a write, and nothing is lost', async () => {
    const store = await fixture.open({ busyTimeout: 50 })
    const kept = await put(store, 'a', 'body')
    store.counters.add('requests', 3)
    await store.space.setQuota(100_000)
    await store.space.reserve('x', 50_000)
    await store.flush()
    const holder = await connect(store.layout.index, 1_000)
    await holder.query('BEGIN IMMEDIATE')
    const entry = await put(store, 'b', 'another')
    await holder.query('COMMIT')
    await holder.close()
    const other = await fixture.open()
    for (const expected of [kept, entry]) assert.deepEqual(await other.entries.get(expected.id), expected)
    assert.equal((await other.counters.read()).requests, 3)
    assert.equal(await other.space.quota(), 100_000)
    assert.deepEqual(await other.space.usage(), { blobs: 11, reserved: 50_000 })
    assertSetAside(await indexFiles(), /goes on with a copy of it$/)
  })

  it('is noticed by the other stores on the directory, which go on with the new one', async () => {
    const first = await fixture.open()
    await put(first, 'a', 'body')
    await fixture.close(first)
    const second = await fixture.open()
    assert.equal((await listed(second)).length, 1)
    // What a process that found it damaged does:
    await rm(second.layout.index)
    const third = await fixture.open()
    const entry = await put(third, 'b', 'another')

    const told = new Promise<void>((resolve) => second.onInvalidate(resolve))
    await third.entries.set({ ...entry, staleAt: 99_000 })
    await told
    assert.deepEqual(await second.entries.get(entry.id), { ...entry, staleAt: 99_000 })
    assert.deepEqual(
      (await listed(second)).map(({ id }) => id),
      [entry.id],
    )
  })

  it('loses neither the quota nor what this process has reserved', async () => {
    const store = await fixture.open()
    await store.space.setQuota(100_000)
    await put(store, 'a', 'body')
    await store.space.reserve('x', 50_000)
    await rm(store.layout.index)
    const other = await fixture.open()
    await put(other, 'b', 'another')
    await store.entries.set(entryOf('c', 'third'))
    // The process that had it open notices at its next use, and tells the new index what it knows.
    assert.equal(await store.space.quota(), 100_000)
    assert.deepEqual(await store.space.usage(), { blobs: 11, reserved: 50_000 })
    await assert.rejects(store.space.reserve('y', 51_000), { code: 'quota' })
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

  it('comes back with the whole directory, when that vanishes under a running store', async () => {
    const store = await fixture.open()
    await put(store, 'a', 'body')
    const told = new Promise<void>((resolve) => store.onInvalidate(resolve))
    rmSync(fixture.dir, { recursive: true })
    await told
    await store.invalidation.look()
    const entry = await put(store, 'b', 'another')
    assert.deepEqual(await listed(store), [entry])
    assert.equal(await bodyOf(store, entry), 'another')
    assert.equal((await fixture.open()).layout.instance, store.layout.instance)
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
    })
    await assert.rejects(connect(store.layout.index, 1_000), { code: 'configuration' })
    assert.deepEqual(
      (await readdir(fixture.dir)).filter((name) => name.includes('damaged')),
      [],
    )
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
