import assert from 'node:assert/strict'
import { rm, stat } from 'node:fs/promises'
import { bytes, latch, sha256 } from '../../support/origin.js'
import { matrix, readUpTo } from './lab.js'

const LENGTH = 1_000_000
const HALF = 500_000
const body = bytes('readers', LENGTH)
const served = { body, etag: '"1"' }
/** Milliseconds. */
const PATIENCE = 50

matrix('faults: readers', LENGTH, (lab) => {
  describe('without patience left', () => {
    it('a first byte that does not come is a 504 with Retry-After, and the download goes on', async () => {
      const hold = latch()
      lab.origin.script('/p', [{ ...served, hold: hold.opened }])
      const kiss = await lab.engine()
      const got = await lab.get(kiss, '/p', { patience: PATIENCE })
      assert.deepEqual([got.code, got.status], ['origin-timeout', 504])
      assert.match(got.error?.message ?? '', /has not answered yet; the download goes on/)
      assert.ok((got.error?.retryAfter ?? 0) > 0)
      const next = lab.get(kiss, '/p')
      hold.open()
      assert.ok((await next).body.equals(body))
      lab.wasAsked('/p', 1)
    })

    it('it says what happened so far', async () => {
      const hold = latch()
      lab.origin.script('/p', [{ status: 503 }, { ...served, hold: hold.opened }])
      const kiss = await lab.engine()
      const first = lab.get(kiss, '/p')
      await lab.origin.requested('/p', 2)
      const got = await lab.get(kiss, '/p', { patience: PATIENCE })
      assert.deepEqual([got.code, got.status], ['origin-timeout', 504])
      assert.match(got.error?.message ?? '', /the origin answered 503; the download goes on/)
      hold.open()
      assert.ok((await first).body.equals(body))
    })

    it('it says so in another process, too', async () => {
      const cacheDir = await lab.folder()
      const [a, b] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
      const hold = latch()
      lab.origin.script('/p', [{ status: 503 }, { ...served, hold: hold.opened }])
      const first = lab.get(a, '/p')
      await lab.origin.requested('/p', 2)
      const got = await lab.get(b, '/p', { patience: 4 * PATIENCE })
      assert.deepEqual([got.code, got.status], ['origin-timeout', 504])
      assert.match(got.error?.message ?? '', /the origin answered 503; the download goes on/)
      hold.open()
      assert.ok((await first).body.equals(body))
    })

    it('a failure by impatience is not remembered', async () => {
      const hold = latch()
      lab.origin.script('/p', [{ ...served, hold: hold.opened }])
      const kiss = await lab.engine()
      await lab.get(kiss, '/p', { patience: PATIENCE })
      hold.open()
      assert.ok((await lab.get(kiss, '/p')).body.equals(body))
    })

    it('it is one span for the whole request, however often it had to look again', async () => {
      const kiss = await lab.engine()
      const never = latch()
      // The refusal of a stranger's credential sends this one around: its patience does not begin anew.
      lab.origin.script('/p', [
        { status: 401, delay: 50 * PATIENCE },
        { hold: never.opened, ...served },
      ])
      const stranger = lab.get(kiss, '/p', { headers: { authorization: 'Bearer other' } })
      await lab.origin.requested('/p')
      const getting = lab.get(kiss, '/p', { patience: 60 * PATIENCE })
      // A patience that began anew would last from 50 to 110 of them.
      const longer = new Promise<string>((resolve) => setTimeout(() => resolve('too late'), 100 * PATIENCE).unref())
      assert.notEqual(await Promise.race([getting, longer]), 'too late')
      assert.deepEqual([(await getting).status, (await stranger).status], [504, 401])
      never.open()
      await lab.origin.answered('/p', 2)
    })

    it('in mid-body it cuts that reader alone', async () => {
      const until = latch()
      lab.origin.script('/p', [{ ...served, stall: { after: HALF, until: until.opened } }])
      const kiss = await lab.engine()
      const artifact = await lab.open(kiss, '/p')
      await readUpTo(artifact, HALF)
      const got = await lab.get(kiss, '/p', { patience: PATIENCE })
      assert.ok(got.body.equals(body.subarray(0, HALF)))
      assert.deepEqual([got.code, got.status], ['origin-timeout', 504])
      until.open()
      assert.ok((await readUpTo(artifact, LENGTH, HALF)).equals(body.subarray(HALF)))
      await artifact.close('done')
      lab.wasAsked('/p', 1)
    })

    it('a promised reader that waits for its sum is cut as well', async () => {
      const until = latch()
      lab.origin.script('/p', [{ ...served, stall: { after: HALF, until: until.opened } }])
      const kiss = await lab.engine()
      const artifact = await lab.open(kiss, '/p')
      await readUpTo(artifact, HALF)
      await artifact.close('aborted')
      const got = await lab.get(kiss, '/p', { patience: PATIENCE, sha256: sha256(body) })
      assert.equal(got.code, 'origin-timeout')
      assert.equal(got.body.length, HALF - 1)
      until.open()
      await lab.origin.answered('/p')
    })

    it('a reader of its end waits for a body that grows, if slowly', async () => {
      lab.origin.script('/p', [{ ...served, throttle: LENGTH / 3 }])
      const artifact = await lab.open(await lab.engine(), '/p', { patience: 2_000 })
      assert.ok((await readUpTo(artifact, LENGTH, LENGTH - 1)).equals(body.subarray(LENGTH - 1)))
      await artifact.close('done')
    })
  })

  it('a slow one gets every byte, and slows no other', async () => {
    lab.origin.serve('/p', { ...served })
    const kiss = await lab.engine()
    const slow = await lab.open(kiss, '/p')
    assert.ok((await readUpTo(slow, 10)).equals(body.subarray(0, 10)))
    assert.ok((await lab.get(kiss, '/p')).body.equals(body))
    assert.equal((await lab.get(kiss, '/p')).as, 'hit')
    assert.ok((await readUpTo(slow, LENGTH, 10)).equals(body.subarray(10)))
    await slow.close('done')
  })

  it('the last one leaving does not stop a transfer', async () => {
    const until = latch()
    lab.origin.script('/p', [{ ...served, stall: { after: HALF, until: until.opened } }])
    const kiss = await lab.engine()
    const artifact = await lab.open(kiss, '/p')
    await readUpTo(artifact, HALF)
    await artifact.close('aborted')
    const [download] = (await kiss.status()).downloads
    assert.deepEqual([download?.readers, download?.state], [0, 'downloading'])
    until.open()
    assert.ok((await lab.get(kiss, '/p')).body.equals(body))
    lab.wasAsked('/p', 1)
  })

  it('one that leaves while it waits ends with interrupted, before the head and in mid-body', async () => {
    const hold = latch()
    const until = latch()
    lab.origin.script('/p', [{ ...served, hold: hold.opened, stall: { after: HALF, until: until.opened } }])
    const kiss = await lab.engine()
    const leave = new AbortController()
    const waiting = kiss.fetch({ url: new URL(lab.origin.url('/p')), signal: leave.signal })
    await lab.origin.requested('/p')
    const left = new Error('left')
    leave.abort(left)
    await assert.rejects(waiting, /left/)
    hold.open()
    const again = new AbortController()
    const artifact = await lab.open(kiss, '/p', { signal: again.signal })
    await readUpTo(artifact, HALF)
    const reading = artifact.content.read(Buffer.alloc(1), HALF)
    again.abort(left)
    await assert.rejects(reading, /left/)
    await artifact.close('aborted')
    until.open()
    assert.ok((await lab.get(kiss, '/p')).body.equals(body))
    lab.wasAsked('/p', 1)
  })

  it('a range far ahead waits, one that has arrived does not', async () => {
    const until = latch()
    lab.origin.script('/p', [{ ...served, stall: { after: HALF, until: until.opened } }])
    const artifact = await lab.open(await lab.engine(), '/p')
    const ahead = readUpTo(artifact, LENGTH, LENGTH - 1000)
    let early: string | undefined
    void ahead.then(() => (early ??= 'ahead'))
    assert.ok((await readUpTo(artifact, HALF)).equals(body.subarray(0, HALF)))
    early ??= 'behind'
    until.open()
    assert.ok((await ahead).equals(body.subarray(LENGTH - 1000)))
    assert.equal(early, 'behind')
    await artifact.close('done')
  })

  it('one that closes twice, or reads on after the end, harms no other', async () => {
    lab.origin.serve('/p', { ...served })
    const kiss = await lab.engine()
    const [one, two] = [await lab.open(kiss, '/p'), await lab.open(kiss, '/p')]
    await readUpTo(one, LENGTH)
    await one.close('done')
    await one.close('done')
    assert.ok((await readUpTo(two, LENGTH)).equals(body))
    assert.equal(await two.content.read(Buffer.alloc(10), LENGTH), 0)
    await two.close('done')
  })
})

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

  it('a purge of everything does the same', async () => {
    const kiss = await lab.engine()
    const until = latch()
    lab.origin.script('/q', [{ ...served, stall: { after: HALF, until: until.opened } }])
    const reading = lab.get(kiss, '/q')
    await lab.origin.requested('/q')
    await readUpTo(await lab.open(kiss, '/q'), HALF)
    await kiss.purge({ all: true })
    until.open()
    assert.deepEqual([(await reading).body.equals(body), (await kiss.status()).entries], [true, 0])
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

  it('a reader of a stored body finishes it, purged, evicted and replaced', async () => {
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
