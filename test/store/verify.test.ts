import assert from 'node:assert/strict'
import { mkdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Store } from '#kiss/store/open.js'
import { Fixture, blobFiles, bodyOf, describing, entryOf, listed, plant, put, sha256 } from './support.js'

const nothing = { damaged: [], orphans: [], dangling: [] }

describe('verify', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  const relative = (sum: string, ending = '') => join('blobs', sum.slice(0, 2), sum + ending)

  it('finds nothing in a store that is in order, and changes nothing', async () => {
    const store = await fixture.open()
    for (const name of ['a', 'b', 'c']) await put(store, name, `body of ${name}`)
    await put(store, 'd', 'body of a')
    const before = await blobFiles(store)
    assert.deepEqual(await store.verify(), { ...nothing, checked: 3 })
    assert.deepEqual(await blobFiles(store), before)
    assert.equal((await listed(store)).length, 4)
  })

  it('finds each flipped bit, and drops the blob with all its entries and nothing else', async () => {
    const store = await fixture.open()
    const body = 'x'.repeat(3_000_000)
    for (const [name, at] of [
      ['first', 0],
      ['middle', 1_500_000],
      ['last', 2_999_999 + 'last'.length],
    ] as const) {
      const whole = name + body
      const entry = await put(store, name, whole)
      await put(store, `${name} again`, whole)
      const bytes = Buffer.from(whole)
      bytes[at] = bytes[at]! ^ 0x10
      await plant(store, entry.sha256, bytes.toString('latin1'))
    }
    const kept = await put(store, 'kept', 'kept')
    const found = await store.verify()
    const damaged = ['first', 'last', 'middle'].map((name) => sha256(name + body))
    assert.deepEqual(
      { ...found, damaged: [...found.damaged].sort() },
      { ...nothing, checked: 4, damaged: damaged.sort() },
    )
    assert.deepEqual(await listed(store), [kept])
    assert.deepEqual(await blobFiles(store), [kept.sha256, describing(kept)])
    assert.deepEqual(await store.space.usage(), { blobs: 4, reserved: 0 })
  })

  it('drops a blob that was cut short, and one that grew', async () => {
    const store = await fixture.open()
    const short = await put(store, 'short', 'body one')
    const long = await put(store, 'long', 'body two')
    await truncate(store.blobs.path(short.sha256), 7)
    await plant(store, long.sha256, 'body two!')
    const { damaged } = await store.verify()
    assert.deepEqual([...damaged].sort(), [short.sha256, long.sha256].sort())
    assert.deepEqual(await listed(store), [])
  })

  it('drops entries whose blob is missing', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', 'body')
    await rm(store.blobs.path(entry.sha256))
    assert.deepEqual(await store.verify(), { ...nothing, checked: 0, dangling: [entry.url] })
    assert.deepEqual(await blobFiles(store), [])
    assert.equal(await store.entries.get(entry.id), undefined)
    assert.deepEqual(await store.space.usage(), { blobs: 0, reserved: 0 })
  })

  it('drops entries that promise another length than their blob has', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', 'body')
    await store.entries.set({ ...entry, size: 5 })
    const found = await store.verify()
    assert.deepEqual(found.dangling, [entry.url])
    assert.deepEqual(await blobFiles(store), [])
  })

  it('sweeps blobs that no entry names, however young', async () => {
    const store = await fixture.open()
    const kept = await put(store, 'kept', 'kept')
    await plant(store, sha256('orphan'), 'orphan')
    assert.deepEqual(await store.verify(), { ...nothing, checked: 2, orphans: [relative(sha256('orphan'))] })
    assert.deepEqual(await store.space.usage(), { blobs: 4, reserved: 0 })
    assert.equal(await bodyOf(store, kept), 'kept')
  })

  it('leaves a blob whose entry is about to be written', async () => {
    const store = await fixture.open()
    const entry = entryOf('a', 'body')
    await store.space.commit(entry.id, entry.sha256, entry.size)
    await plant(store, entry.sha256, 'body')
    assert.deepEqual(await store.verify(), { ...nothing, checked: 1 })
    await store.entries.set(entry)
    assert.equal(await bodyOf(store, entry), 'body')
  })

  it('sweeps files that are no blobs when they are old, and leaves young ones and folders', async () => {
    const store = await fixture.open()
    fixture.now = Date.now()
    const folder = join(store.layout.blobs, 'ab')
    await mkdir(join(folder, 'folder'), { recursive: true })
    const old = new Date(fixture.now - 7_200_000)
    for (const name of ['old.tmp', 'young.tmp', sha256('in the wrong folder')]) await writeFile(join(folder, name), '')
    for (const name of ['old.tmp', sha256('in the wrong folder')]) await utimes(join(folder, name), old, old)
    const { orphans } = await store.verify()
    assert.deepEqual(
      [...orphans].sort(),
      [join('blobs', 'ab', sha256('in the wrong folder')), 'blobs/ab/old.tmp'].sort(),
    )
    assert.deepEqual(await blobFiles(store), ['young.tmp'])
    assert.ok((await stat(join(folder, 'folder'))).isDirectory())
  })

  it('writes descriptions that are missing', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', 'body')
    await rm(store.layout.description(entry.sha256, entry.id))
    assert.deepEqual(await store.verify(), { ...nothing, checked: 1 })
    assert.deepEqual(JSON.parse(await readFile(store.layout.description(entry.sha256, entry.id), 'utf8')), {
      version: 2,
      entry,
    })
  })

  it('leaves no description of an entry that goes before its description is written', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', 'body')
    await rm(store.layout.description(entry.sha256, entry.id))
    const { blobs } = store
    const describe = blobs.describe.bind(blobs)
    Object.assign(blobs, {
      describe: async (described: typeof entry) => {
        await store.entries.delete(described.id)
        await describe(described)
        await rm(blobs.path(described.sha256))
      },
    })
    assert.deepEqual(await store.verify(), { ...nothing, checked: 1 })
    assert.deepEqual(await blobFiles(store), [])
  })

  it('mends the ledger', async () => {
    const store = await fixture.open()
    await put(store, 'a', 'body')
    await store.space.usage()
    const lost = await put(store, 'b', 'another body')
    await rm(store.blobs.path(lost.sha256))
    await store.entries.delete(lost.id)
    await store.verify()
    assert.deepEqual(await store.space.usage(), { blobs: 4, reserved: 0 })
  })

  it('reports the unfinished transfers that the caller swept', async () => {
    const store = await fixture.open()
    const sweepTransfers = async () => [join('transfers', 'key', '1')]
    assert.deepEqual(await store.verify({ sweepTransfers }), { ...nothing, checked: 0, orphans: ['transfers/key/1'] })
  })

  it('does no harm beside processes that store, replace, purge and evict', async () => {
    // The clock of the other processes: by another one their files look old, and are removed.
    const store = await fixture.open({ clock: Date })
    // Room for thirty of the 120 entries: an entry costs 10 KiB beside its body, and each process holds some that cannot be evicted.
    await store.space.setQuota(300_000)
    const children = await Promise.all([fixture.child(), fixture.child()])
    const churning = Promise.all(
      children.map((child, i) => child.ask({ do: 'churn', name: `p${i}`, bytes: 900, times: 60 })),
    )
    const rounds = { left: Infinity }
    void churning.finally(() => (rounds.left = 0))
    for (let i = 0; rounds.left > 0; i++) {
      const same = await put(store, 'same', `version ${i % 3}`, { lastUsedAt: 2_000 })
      const { damaged, orphans } = await store.verify()
      assert.deepEqual([damaged, orphans], [[], []])
      assert.equal(await bodyOf(store, same), `version ${i % 3}`)
    }
    await churning
    assert.deepEqual({ ...(await store.verify()), checked: 0 }, { ...nothing, checked: 0 })
  })

  describe('with rebuild', () => {
    async function withLostIndex(fill: (store: Store) => Promise<unknown>): Promise<Store> {
      const before = await fixture.open()
      await fill(before)
      await fixture.close(before)
      await rm(before.layout.index)
      return fixture.open()
    }

    it('brings back every entry of a lost index', async () => {
      const store = await withLostIndex(async (before) => {
        await put(before, 'a', 'the same')
        await put(before, 'b', 'the same', { private: true })
        await put(before, 'c', 'another')
      })
      assert.deepEqual(await store.verify({ rebuild: true }), { ...nothing, checked: 2 })
      const expected = [
        entryOf('a', 'the same'),
        entryOf('b', 'the same', { private: true }),
        entryOf('c', 'another'),
      ].sort((x, y) => (x.id < y.id ? -1 : 1))
      assert.deepEqual(await listed(store), expected)
    })

    it('does not bring back purged entries', async () => {
      const store = await withLostIndex(async (before) => {
        const { id } = await put(before, 'a', 'the same')
        await put(before, 'b', 'the same')
        await before.remove(id)
      })
      await store.verify({ rebuild: true })
      assert.deepEqual(
        (await listed(store)).map(({ url }) => url),
        ['https://origin.example/b'],
      )
    })

    it('trusts no description of a damaged blob, and none that is broken or speaks of another blob', async () => {
      const store = await withLostIndex(async (before) => {
        for (const name of ['good', 'damaged', 'empty', 'foreign', 'odd']) await put(before, name, name)
      })
      await plant(store, sha256('damaged'), 'damageX')
      await writeFile(store.layout.description(sha256('empty'), sha256('empty')), '')
      await writeFile(
        store.layout.description(sha256('foreign'), sha256('foreign')),
        JSON.stringify({ version: 2, entry: entryOf('foreign', 'another') }),
      )
      await writeFile(
        store.layout.description(sha256('odd'), sha256('odd')),
        JSON.stringify({ version: 2, entry: { ...entryOf('odd', 'odd'), staleAt: 'never' } }),
      )
      const found = await store.verify({ rebuild: true })
      assert.deepEqual(found.damaged, [sha256('damaged')])
      assert.deepEqual(
        [...found.orphans].sort(),
        ['empty', 'foreign', 'odd'].map((name) => relative(sha256(name))).sort(),
      )
      assert.deepEqual(await listed(store), [entryOf('good', 'good')])
    })

    it('keeps what the index knows, and takes the newest of several descriptions', async () => {
      const store = await withLostIndex(async (before) => {
        await put(before, 'a', 'first', { storedAt: 1 })
        await put(before, 'b', 'second')
        await put(before, 'c', 'third')
      })
      for (const [body, storedAt] of [
        ['second', 2],
        ['third', 3],
      ] as const) {
        const entry = entryOf('a', body, { storedAt })
        await writeFile(store.layout.description(sha256(body), entry.id), JSON.stringify({ version: 2, entry }))
      }
      await put(store, 'd', 'fourth', { storedAt: 9 })
      await store.verify({ rebuild: true })
      const known = await store.entries.get(sha256('a'))
      assert.equal(known?.sha256, sha256('third'))
      assert.deepEqual((await listed(store)).map(({ url }) => url).sort(), [
        'https://origin.example/a',
        'https://origin.example/b',
        'https://origin.example/c',
        'https://origin.example/d',
      ])
    })
  })
})
