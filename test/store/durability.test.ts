import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Leases } from '#kiss/store/leases.js'
import type { Store } from '#kiss/store/open.js'
import type { Entry } from '#kiss/store/types.js'
import { Fixture, blobFiles, bodyOf, put, sha256 } from './support.js'

describe('a blob after a power loss', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  async function damage(store: Store, { sha256 }: Entry): Promise<void> {
    await chmod(store.blobs.path(sha256), 0o644)
    await writeFile(store.blobs.path(sha256), 'zzzz')
  }

  const current = async (store: Store, { id }: Entry): Promise<Entry | undefined> => store.entries.reload(id)

  /** Stored in the boot `first`, and looked at in the boot `second`. */
  async function rebooted(): Promise<{ store: Store; entry: Entry }> {
    const before = await fixture.open({ boot: 'first' })
    const entry = await put(before, 'a', 'aaaa', { boot: 'first' })
    await fixture.close(before)
    return { store: await fixture.open({ boot: 'second' }), entry }
  }

  it('is not read again in the boot in which it was written', async () => {
    const store = await fixture.open({ boot: 'first' })
    const entry = await put(store, 'a', 'aaaa', { boot: 'first' })
    await damage(store, entry)
    assert.equal(await store.durability.vouch(entry), true)
  })

  it('is hashed before it is first served in another, and once only', async () => {
    const { store, entry } = await rebooted()
    assert.equal(await store.durability.vouch(entry), true)
    const marked = await current(store, entry)
    assert.equal(marked?.boot, 'second')
    await damage(store, entry)
    assert.equal(await store.durability.vouch(marked), true)
  })

  it('is dropped with every entry that names it when its bytes are others, and said so once', async () => {
    const { store, entry } = await rebooted()
    const other = await put(store, 'b', 'aaaa', { boot: 'first' })
    await damage(store, entry)
    const answers = await Promise.all([entry, other, entry].map((one) => store.durability.vouch(one)))
    assert.deepEqual(answers, [false, false, false])
    assert.deepEqual([await current(store, entry), await current(store, other)], [undefined, undefined])
    assert.deepEqual(await blobFiles(store), [])
    assert.equal(fixture.warnings.length, 1)
    assert.match(fixture.warnings[0]!, new RegExp(`^dropped the stored body ${entry.sha256}: it was damaged`))
  })

  it('is a miss without a word when it is not there', async () => {
    const { store, entry } = await rebooted()
    await rm(store.blobs.path(entry.sha256))
    assert.equal(await store.durability.vouch(entry), false)
    assert.equal(await current(store, entry), undefined)
    assert.deepEqual(fixture.warnings, [])
  })

  it('is trusted in every later boot once it was brought to the disk', async () => {
    const before = await fixture.open({ boot: 'first' })
    const entry = await put(before, 'a', 'aaaa', { boot: 'first' })
    before.durability.sync(entry.sha256)
    await before.durability.settled()
    assert.equal((await current(before, entry))?.boot, undefined)
    await fixture.close(before)
    const store = await fixture.open({ boot: 'second' })
    const synced = await current(store, entry)
    // It is not even read: a damage of another kind is for verify to find.
    await damage(store, entry)
    assert.equal(await store.durability.vouch(synced!), true)
  })

  it('that was removed before its turn came is not brought back by the sync', async () => {
    const store = await fixture.open({ boot: 'first' })
    const entry = await put(store, 'a', 'aaaa', { boot: 'first' })
    await store.remove(entry.id)
    store.durability.sync(entry.sha256)
    await store.durability.settled()
    assert.equal(await current(store, entry), undefined)
    assert.deepEqual(fixture.warnings, [])
  })

  it('keeps its mark when the process ends before the sync, and is good all the same', async () => {
    const { store, entry } = await rebooted()
    assert.equal((await current(store, entry))?.boot, 'first')
    assert.equal(await bodyOf(store, entry), 'aaaa')
  })
})

describe('an unfinished download of another boot', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  it('is neither continued nor kept', async () => {
    const transfers = join(fixture.dir, 'transfers')
    const ids = ['claimed', 'forgotten'].map(sha256)
    for (const id of ids) {
      const directory = join(transfers, id, '1')
      await mkdir(directory, { recursive: true })
      const owner = {
        boot: 'another',
        pid: 1,
        started: 1,
        namespace: '',
        engine: '',
        startedAt: 0,
        url: '',
        private: false,
      }
      await writeFile(join(directory, 'owner'), JSON.stringify(owner))
      await writeFile(join(directory, 'ended'), '')
      await writeFile(
        join(directory, 'head.json'),
        JSON.stringify({ headers: {}, length: 8, ranges: true, varies: false }),
      )
      await writeFile(join(directory, 'body'), 'half')
    }
    const leases = new Leases({
      directory: transfers,
      now: Date.now,
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    })
    const signal = new AbortController().signal
    const got = await leases.acquire({ id: ids[0]!, url: 'https://origin.example/a', private: false, signal })
    assert.equal(got.kind, 'mine')
    assert.equal(got.inherited, false)
    assert.deepEqual(await readdir(join(transfers, ids[0]!)), ['2'])
    assert.deepEqual(await leases.sweepAll(), [join('transfers', ids[1]!, '1')])
    assert.deepEqual(await readdir(transfers), [ids[0]])
  })
})
