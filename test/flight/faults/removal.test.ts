/** Bodies that are removed while somebody reads them. */
import assert from 'node:assert/strict'
import { rm, stat } from 'node:fs/promises'
import { bytes, latch } from '../../support/origin.js'
import { matrix, readUpTo } from './lab.js'

const LENGTH = 1_000_000
const HALF = 500_000
const body = bytes('readers', LENGTH)
const served = { body, etag: '"1"' }

matrix('faults: removing what is read', LENGTH, (lab) => {
  const other = bytes('other', LENGTH)

  for (const where of ['this process', 'another engine on the directory']) {
    it(`a purge during a transfer, from ${where}, leaves its readers every byte, stores nothing and lets the next reader start anew`, async () => {
      const cacheDir = await lab.folder()
      const kiss = await lab.engine({ cacheDir })
      const purger = where === 'this process' ? kiss : await lab.engine({ cacheDir })
      const until = latch()
      lab.origin.script('/q', [
        { body, etag: '"1"', stall: { after: HALF, until: until.opened } },
        { body: other, etag: '"2"' },
      ])
      const reading = lab.get(kiss, '/q')
      const follower = await lab.engine({ cacheDir })
      await lab.origin.requested('/q')
      const followed = await lab.open(follower, '/q')
      await readUpTo(followed, HALF)
      await purger.purge({ urls: [new URL(lab.origin.url('/q'))] })
      // Whoever comes to the process that purged starts anew at once, beside the old one.
      const next = await lab.get(purger, '/q')
      assert.ok(next.body.equals(other))
      until.open()
      const got = await reading
      assert.ok(got.body.equals(body))
      assert.equal(got.entry, undefined)
      assert.ok((await readUpTo(followed, LENGTH)).equals(body))
      await followed.close('done')
      const after = await lab.get(follower, '/q')
      assert.ok(after.as === 'hit' && after.body.equals(other))
      lab.wasAsked('/q', 2)
    })
  }

  /** A download whose other half comes when `until` is opened. */
  const halfRead = async () => {
    const kiss = await lab.engine()
    const until = latch()
    lab.origin.script('/q', [{ ...served, stall: { after: HALF, until: until.opened } }])
    const reading = lab.get(kiss, '/q')
    await lab.origin.requested('/q')
    await readUpTo(await lab.open(kiss, '/q'), HALF)
    return { kiss, reading, until }
  }

  it('a purge of everything during a transfer leaves its readers every byte and stores nothing', async () => {
    const { kiss, reading, until } = await halfRead()
    await kiss.purge({ all: true })
    until.open()
    assert.deepEqual([(await reading).body.equals(body), (await kiss.status()).entries], [true, 0])
  })

  it('a purge of everything that matches another filter leaves a transfer alone', async () => {
    const { kiss, reading, until } = await halfRead()
    await kiss.purge({ all: true, match: 'https://elsewhere.example/**' })
    until.open()
    assert.deepEqual([(await reading).body.equals(body), (await kiss.status()).entries], [true, 1])
  })

  it('a purge during a transfer without a second request leaves nothing stored', async () => {
    const cacheDir = await lab.folder()
    const [a, b] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
    const until = latch()
    lab.origin.script('/q', [{ ...served, stall: { after: HALF, until: until.opened } }])
    const reading = lab.get(a, '/q')
    await lab.origin.requested('/q')
    await readUpTo(await lab.open(a, '/q'), HALF)
    await b.purge({ urls: [new URL(lab.origin.url('/q'))] })
    until.open()
    assert.ok((await reading).body.equals(body))
    assert.equal((await b.status()).entries, 0)
    assert.equal((await lab.get(b, '/q', { offline: true })).code, 'offline')
  })

  it('a reader of a stored body reads it to the end when the entry is purged, evicted or replaced', async () => {
    const cacheDir = await lab.folder()
    const [kiss, elsewhere] = [await lab.engine({ cacheDir, quota: 2_500_000 }), await lab.engine({ cacheDir })]
    const ways: Readonly<Record<string, () => Promise<unknown>>> = {
      purged: () => kiss.purge({ urls: [new URL(lab.origin.url('/q'))] }),
      'purged elsewhere': () => elsewhere.purge({ all: true }),
      replaced: () => lab.get(kiss, '/q', { refresh: true }),
      'replaced elsewhere': () => lab.get(elsewhere, '/q', { refresh: true }),
      evicted: async () => {
        for (const name of ['/x', '/y', '/z']) {
          lab.origin.serve(name, { body: bytes(name, LENGTH) })
          await lab.get(elsewhere, name)
        }
      },
    }
    for (const [way, remove] of Object.entries(ways)) {
      await kiss.purge({ all: true })
      lab.origin.serve('/q', served)
      await lab.get(kiss, '/q')
      lab.origin.serve('/q', { body: other, etag: '"2"' })
      const artifact = await lab.open(kiss, '/q')
      assert.equal(artifact.as, 'hit')
      await readUpTo(artifact, 10)
      await remove()
      await assert.rejects(stat(artifact.path(present(artifact.entry))), way)
      assert.ok((await readUpTo(artifact, LENGTH)).equals(body), way)
      await artifact.close('done')
      const next = await lab.get(kiss, '/q')
      assert.ok(next.body.equals(other), way)
    }
  })

  it('a blob that vanished behind the index is downloaded again', async () => {
    const kiss = await lab.engine()
    lab.origin.serve('/q', served)
    const artifact = await lab.open(kiss, '/q')
    await readUpTo(artifact, LENGTH)
    const entry = await artifact.finished()
    await artifact.close('done')
    assert.ok(entry)
    await rm(artifact.path(entry))
    assert.ok((await lab.get(kiss, '/q')).body.equals(body))
    lab.wasAsked('/q', 2)
  })
})

function present<T>(value: T | undefined): T {
  assert.ok(value !== undefined)
  return value
}
