import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Store, openStore } from '#kiss/store/open.js'
import { bodyOf, entryOf, listed, put } from './support.js'

describe('a full disk (needs the right to mount one; skipped without)', () => {
  let disk = ''
  let store: Store | undefined

  beforeEach(async function () {
    disk = await mkdtemp(join(tmpdir(), 'kiss-disk-'))
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk]).status !== 0) this.skip()
  })

  afterEach(async () => {
    await store?.close()
    store = undefined
    spawnSync('umount', [disk])
    await rm(disk, { recursive: true, force: true })
  })

  async function open(): Promise<Store> {
    const cacheDir = join(disk, 'cache')
    return (store = await openStore({
      cacheDir,
      clock: { now: () => 1_000 },
      warn: (message) => assert.equal(message, ''),
    }))
  }

  /** Writes until there is not a byte left. */
  async function fill(): Promise<void> {
    await mkdir(join(disk, 'fill'))
    for (let i = 0; (await statfs(disk)).bfree > 0; i++) {
      await writeFile(join(disk, 'fill', String(i)), Buffer.alloc(65_536)).catch(() => undefined)
    }
  }

  for (const [when, first] of [
    ['', 0],
    [', and the clock was set back', 5_000],
  ] as const) {
    it(`is relieved by evicting, even when the index cannot grow by what that writes${when}`, async () => {
      const { space, entries } = await open()
      for (let i = 0; i < 10; i++) await put(store!, `entry ${i}`, `${i}`.repeat(90_000), { lastUsedAt: first + i })
      await fill()
      const long = { ...entryOf('long', 'body'), url: `https://origin.example/${'x'.repeat(20_000)}` }
      await assert.rejects(
        async () => {
          for (;;) await entries.set(long)
        },
        { code: 'disk' },
      )

      assert.ok((await space.evict(150_000)) >= 150_000)
      assert.ok((await statfs(disk)).bfree > 0)
      await entries.set(long)
      for (const entry of await listed(store!)) {
        if (entry.id !== long.id) assert.equal((await bodyOf(store!, entry))?.length, 90_000)
      }
    })
  }

  it('does not keep a finished body from being stored while there is something to evict', async () => {
    await open()
    for (let i = 0; i < 5; i++) await put(store!, `entry ${i}`, `${i}`.repeat(90_000), { lastUsedAt: i })
    const file = join(store!.layout.transfers, 'finished')
    await writeFile(file, 'x'.repeat(90_000))
    await fill()
    const entry = entryOf('new', 'x'.repeat(90_000), { lastUsedAt: 99 })
    // As often as it takes for the index to need more room than it has.
    const names = Array.from({ length: 200 }, (_, i) => `other ${i}`)
    await assert.rejects(async () => {
      for (const name of names) await store!.entries.set(entryOf(name, 'no body', { url: 'x'.repeat(5_000) }))
    })
    await store!.publish(file, entry)
    assert.equal(await bodyOf(store!, entry), 'x'.repeat(90_000))
  })
})
