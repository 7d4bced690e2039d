import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '#kiss/store/index/connection.js'
import { Leases } from '#kiss/flight/lease.js'
import type { Store } from '#kiss/store/open.js'
import { monotonic } from '#kiss/clock.js'
import type { Entry } from '#kiss/store/types.js'
import { Fixture, blobFiles, put, sha256 } from './support.js'

async function canOpen(store: Store, entry: Entry): Promise<boolean> {
  const blob = await store.open(entry)
  await blob?.close()
  return blob !== undefined
}

/** Overwrites the body in place, as somebody who edits a file of the cache does. */
async function damage(store: Store, { sha256 }: Entry, body = 'zzzz'): Promise<void> {
  await chmod(store.blobs.path(sha256), 0o644)
  await writeFile(store.blobs.path(sha256), body)
}

describe('a stored body that changes', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  it('is dropped with every entry that names it when its bytes are overwritten in place', async () => {
    const store = await fixture.open()
    const entries = [await put(store, 'a', 'aaaa'), await put(store, 'b', 'aaaa')]
    assert.equal(await canOpen(store, entries[0]!), true)
    await damage(store, entries[0]!)
    assert.deepEqual(await Promise.all(entries.map((entry) => canOpen(store, entry))), [false, false])
    assert.deepEqual(await Promise.all(entries.map(({ id }) => store.entries.get(id))), [undefined, undefined])
    assert.deepEqual(await blobFiles(store), [])
    assert.match(fixture.warnings[0]!, /^dropped the stored body/)
  })

  it('is dropped although its times were set back', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', 'aaaa')
    const { atime, mtime } = await stat(store.blobs.path(entry.sha256))
    await damage(store, entry)
    await utimes(store.blobs.path(entry.sha256), atime, mtime)
    assert.equal(await canOpen(store, entry), false)
  })

  it('is hashed and kept when a copy with the same bytes takes its place', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', 'aaaa')
    const path = store.blobs.path(entry.sha256)
    const bytes = await readFile(path)
    await rm(path)
    await writeFile(path, bytes)
    assert.equal(await canOpen(store, entry), true)
    assert.ok(await store.entries.get(entry.id))
  })

  it('is noticed by a process that has served it before', async () => {
    const store = await fixture.open()
    const other = await fixture.open()
    const entry = await put(store, 'a', 'aaaa')
    assert.equal(await canOpen(other, entry), true)
    await damage(store, entry)
    assert.equal(await canOpen(other, entry), false)
  })

  it('is healed by a fresh copy, also for other entries that name it', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', 'aaaa')
    await damage(store, entry)
    await put(store, 'b', 'aaaa')
    assert.equal(await canOpen(store, entry), true)
    assert.deepEqual(fixture.warnings, [])
  })
})

describe('a blob after a power loss', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  /** What a power loss does: other bytes under the same stamp. */
  async function zero(store: Store, entry: Entry): Promise<void> {
    await damage(store, entry)
    const { ino, size, mtimeMs, ctimeMs } = await stat(store.blobs.path(entry.sha256))
    const stamp = [ino, size, mtimeMs, ctimeMs].join(' ')
    const index = await connect(store.layout.index, 1_000)
    await index.query('UPDATE blobs SET stamp = ?', stamp)
    await index.close()
  }

  /** Stored in the boot `first`, and looked at in the boot `second`. */
  async function rebooted(): Promise<{ store: Store; entry: Entry }> {
    const before = await fixture.open({ boot: 'first' })
    const entry = await put(before, 'a', 'aaaa')
    await fixture.close(before)
    return { store: await fixture.open({ boot: 'second' }), entry }
  }

  it('is not read again in the boot in which it was written', async () => {
    const before = await fixture.open({ boot: 'first' })
    const entry = await put(before, 'a', 'aaaa')
    await zero(before, entry)
    assert.equal(await canOpen(await fixture.open({ boot: 'first' }), entry), true)
  })

  it('is hashed before it is first served in another boot, and dropped when its bytes are others', async () => {
    const { store, entry } = await rebooted()
    const other = await put(store, 'b', 'another body')
    await zero(store, entry)
    assert.equal(await canOpen(store, entry), false)
    assert.equal(await store.entries.get(entry.id), undefined)
    assert.equal(await canOpen(store, other), true)
    assert.equal(fixture.warnings.length, 1)
  })

  it('is hashed once in a boot', async () => {
    const { store, entry } = await rebooted()
    assert.equal(await canOpen(store, entry), true)
    await zero(store, entry)
    assert.equal(await canOpen(await fixture.open({ boot: 'second' }), entry), true)
  })

  it('is trusted in every later boot once it was brought to the disk', async () => {
    const before = await fixture.open({ boot: 'first' })
    const entry = await put(before, 'a', 'aaaa')
    before.checked.sync(entry.sha256)
    await before.checked.settled()
    await fixture.close(before)
    const store = await fixture.open({ boot: 'second' })
    await zero(store, entry)
    assert.equal(await canOpen(store, entry), true)
  })

  it('that was removed before its turn came is not brought back by the sync', async () => {
    const store = await fixture.open({ boot: 'first' })
    const entry = await put(store, 'a', 'aaaa')
    await store.remove(entry.id)
    store.checked.sync(entry.sha256)
    await store.checked.settled()
    assert.equal(await store.entries.get(entry.id), undefined)
    assert.deepEqual(fixture.warnings, [])
  })

  it('is a miss without a word when it is not there', async () => {
    const { store, entry } = await rebooted()
    await rm(store.blobs.path(entry.sha256))
    assert.equal(await canOpen(store, entry), false)
    assert.deepEqual(fixture.warnings, [])
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
      monotonic,
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    })
    const signal = new AbortController().signal
    const got = await leases.acquire({ id: ids[0]!, url: 'https://origin.example/a', access: 'public', signal })
    assert.equal(got.kind, 'mine')
    assert.equal(got.inherited, false)
    assert.deepEqual(await readdir(join(transfers, ids[0]!)), ['2'])
    assert.deepEqual(await leases.sweepAll(), [join('transfers', ids[1]!, '1')])
    assert.deepEqual(await readdir(transfers), [ids[0]])
  })
})
