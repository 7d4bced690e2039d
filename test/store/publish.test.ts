import assert from 'node:assert/strict'
import { stat, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { syncFile } from '#kiss/store/files.js'
import { connect } from '#kiss/store/index/connection.js'
import { Fixture, blobFiles, bodyOf, describing, entryOf, listed, put, sha256 } from './support.js'

const MIB = 1024 * 1024

describe('publication', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  it('moves the file into place, describes it, and turns the reservation into a blob', async () => {
    const store = await fixture.open()
    const entry = entryOf('a', 'body')
    await store.space.reserve(entry.id, 64)
    const file = fixture.scratch
    await writeFile(file, 'body')
    await syncFile(file)
    await store.publish(file, entry)
    await assert.rejects(stat(file), { code: 'ENOENT' })
    assert.equal(await bodyOf(store, entry), 'body')
    assert.deepEqual(await blobFiles(store), [entry.sha256, describing(entry)])
    assert.deepEqual(await store.space.usage(), { blobs: 4, reserved: 0 })
  })

  it('keeps one blob of equal bodies until the last entry is gone', async () => {
    const store = await fixture.open()
    const [a, b] = [await put(store, 'a', 'the same'), await put(store, 'b', 'the same')]
    assert.equal((await blobFiles(store)).length, 3)
    assert.deepEqual(await store.remove(a.id), { entry: a, freed: 0 })
    assert.equal(await bodyOf(store, b), 'the same')
    assert.deepEqual(await store.remove(b.id), { entry: b, freed: 8 })
    assert.deepEqual(await blobFiles(store), [])
    assert.equal(await store.remove(b.id), undefined)
    assert.deepEqual(await store.space.usage(), { blobs: 0, reserved: 0 })
  })

  it('removes the blob that the entry named before', async () => {
    const store = await fixture.open()
    await put(store, 'a', 'old')
    await put(store, 'a', 'new one')
    assert.deepEqual(await blobFiles(store), [sha256('new one'), describing(entryOf('a', 'new one'))])
    assert.deepEqual(await store.space.usage(), { blobs: 7, reserved: 0 })
  })

  it('reserves missing space, and fails before anything is there when that does not fit', async () => {
    const store = await fixture.open()
    await store.space.setQuota(5)
    const entry = entryOf('a', 'too large')
    const file = fixture.scratch
    await writeFile(file, 'too large')
    await assert.rejects(store.publish(file, entry), { code: 'quota' })
    assert.deepEqual([await listed(store), await blobFiles(store)], [[], []])
    assert.deepEqual(await store.space.usage(), { blobs: 0, reserved: 0 })
  })

  it('keeps the space of the reservation, whatever is reserved meanwhile', async () => {
    const store = await fixture.open()
    await store.space.setQuota(MIB)
    const entry = entryOf('a', 'x'.repeat(900_000))
    const reservation = `${entry.id}.1`
    await store.space.reserve(reservation, entry.size)
    const file = fixture.scratch
    await writeFile(file, 'x'.repeat(900_000))
    const state = { ended: false }
    const publishing = store.publish(file, entry, { reservation }).finally(() => (state.ended = true))
    const reserve = () => store.space.reserve('b', 200_000)
    while (!state.ended) {
      await reserve().then(
        () => store.space.release('b'),
        () => undefined,
      )
    }
    assert.equal(await publishing, true)
  })

  it('is undone by a purge that comes at any moment of it', async () => {
    const store = await fixture.open()
    const other = await fixture.open()
    for (let i = 0; i < 20; i++) {
      const entry = entryOf(`purged ${i}`, `body ${i}`)
      const file = fixture.scratch
      await writeFile(file, `body ${i}`)
      let isRevoked = false
      const purge = async (): Promise<number> => {
        isRevoked = true
        return (await other.purge({ ids: [entry.id] })).removed
      }
      const [stored, removed] = await Promise.all([
        store.publish(file, entry, { isRevoked: async () => isRevoked }),
        sleep(i / 4).then(purge),
      ])
      assert.ok(stored ? removed === 1 : removed === 0)
      assert.equal(await store.entries.reload(entry.id), undefined)
    }
    assert.deepEqual(await blobFiles(store), [])
    assert.deepEqual(await store.space.usage(), { blobs: 0, reserved: 0 })
  })

  it('leaves nothing behind when the index does not take the entry', async () => {
    const store = await fixture.open()
    const direct = await connect(store.layout.index, 1_000)
    await direct.query(`CREATE TRIGGER refuses BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'no'); END`)
    await direct.close()
    await assert.rejects(put(store, 'a', 'body'), { code: 'disk' })
    assert.deepEqual(await blobFiles(store), [])
    assert.deepEqual(await store.space.usage(), { blobs: 0, reserved: 0 })
  })

  it('leaves a blob that others name when it fails', async () => {
    const store = await fixture.open()
    const kept = await put(store, 'kept', 'the same')
    const direct = await connect(store.layout.index, 1_000)
    await direct.query(`CREATE TRIGGER refuses BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'no'); END`)
    await direct.close()
    await assert.rejects(put(store, 'a', 'the same'), { code: 'disk' })
    assert.equal(await bodyOf(store, kept), 'the same')
    assert.deepEqual(await store.space.usage(), { blobs: 8, reserved: 0 })
  })
})

describe('a purge', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  it('removes the selected entries and the blobs that no other entry names, and foretells both in a dry run', async () => {
    const store = await fixture.open()
    await put(store, 'old/a', 'the same')
    await put(store, 'old/b', 'another one')
    const kept = await put(store, 'new/c', 'the same')
    const selection = { match: 'https://origin.example/old/**' }
    assert.deepEqual(await store.purge(selection, { dryRun: true }), { removed: 2, bytes: 11 })
    assert.equal((await listed(store)).length, 3)
    assert.deepEqual(await store.purge(selection), { removed: 2, bytes: 11 })
    assert.deepEqual(await listed(store), [kept])
    assert.equal(await bodyOf(store, kept), 'the same')
    assert.deepEqual(await store.purge({ all: true }), { removed: 1, bytes: 8 })
    assert.deepEqual(await blobFiles(store), [])
  })

  it('takes time in proportion to the entries, also when all of them share one body', async () => {
    const store = await fixture.open()
    const first = await put(store, 'first', 'the same')
    const index = await connect(store.layout.index, 1_000)
    const many = Array.from({ length: 5_000 }, (_, i) => ({ ...first, id: sha256(`entry ${i}`) }))
    await index.query(
      `INSERT INTO entries (key, value) SELECT json_extract(value, '$.id'), json_object('value', json(value)) FROM json_each(?)`,
      JSON.stringify(many),
    )
    await index.close()
    // What took a time that grows with the square took minutes here, and the test runner's patience ends before.
    await put(store, 'last', 'the same')
    assert.deepEqual(await store.purge({ all: true }), { removed: 5_002, bytes: 8 })
    assert.deepEqual(await blobFiles(store), [])
  })
})
