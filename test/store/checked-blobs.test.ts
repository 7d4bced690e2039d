import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Leases } from '#kiss/flight/lease.js'
import type { Store } from '#kiss/store/open.js'
import { monotonic } from '#kiss/store/process.js'
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
