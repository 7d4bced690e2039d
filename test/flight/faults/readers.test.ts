import assert from 'node:assert/strict'
import { bytes, latch, sha256 } from '../../support/origin.js'
import { until } from '../../support/until.js'
import { matrix, readUpTo } from './lab.js'

const LENGTH = 1_000_000
const HALF = 500_000
const body = bytes('readers', LENGTH)
const served = { body, etag: '"1"' }
/** Milliseconds. */
const PATIENCE = 50

matrix('faults: readers', LENGTH, (lab) => {
  describe('without patience left', () => {
    it('ends a read with 504 and Retry-After if no first byte comes, while the download goes on', async () => {
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

    it('names what has happened so far in the error of an impatient reader', async () => {
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

    it('names what has happened so far in the error of an impatient reader of another process', async () => {
      const cacheDir = await lab.folder()
      const [a, b] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
      const hold = latch()
      lab.origin.script('/p', [{ status: 503 }, { ...served, hold: hold.opened }])
      const first = lab.get(a, '/p')
      await lab.origin.requested('/p', 2)
      let reason = (): string | undefined => undefined
      const patient = lab.get(b, '/p', { onWait: (now) => (reason = () => now().reason) })
      await until('the reason of the other process', () => reason() !== undefined)
      const got = await lab.get(b, '/p', { patience: PATIENCE })
      assert.deepEqual([got.code, got.status], ['origin-timeout', 504])
      assert.match(got.error?.message ?? '', /the origin answered 503; the download goes on/)
      hold.open()
      for (const all of [await first, await patient]) assert.ok(all.body.equals(body))
    })

    it('does not remember the failure of an impatient reader', async () => {
      const hold = latch()
      lab.origin.script('/p', [{ ...served, hold: hold.opened }])
      const kiss = await lab.engine()
      await lab.get(kiss, '/p', { patience: PATIENCE })
      hold.open()
      assert.ok((await lab.get(kiss, '/p')).body.equals(body))
    })

    it('counts the patience of a reader over its whole request, however often the engine looks again', async () => {
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

    it('cuts the impatient reader alone in mid-body', async () => {
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

    it('cuts an impatient reader that waits for the promised sum', async () => {
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

    it('lets a reader of the end wait while the body grows, however slowly', async () => {
      lab.origin.script('/p', [{ ...served, throttle: LENGTH / 3 }])
      const artifact = await lab.open(await lab.engine(), '/p', { patience: 2_000 })
      assert.ok((await readUpTo(artifact, LENGTH, LENGTH - 1)).equals(body.subarray(LENGTH - 1)))
      await artifact.close('done')
    })
  })

  it('gives a slow reader every byte, and slows no other reader', async () => {
    lab.origin.serve('/p', { ...served })
    const kiss = await lab.engine()
    const slow = await lab.open(kiss, '/p')
    assert.ok((await readUpTo(slow, 10)).equals(body.subarray(0, 10)))
    assert.ok((await lab.get(kiss, '/p')).body.equals(body))
    assert.equal((await lab.get(kiss, '/p')).as, 'hit')
    assert.ok((await readUpTo(slow, LENGTH, 10)).equals(body.subarray(10)))
    await slow.close('done')
  })

  it('goes on with a download when its last reader leaves', async () => {
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

  it('ends a reader that leaves while it waits with interrupted, before the head and in mid-body', async () => {
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

  it('lets the reader of a range far ahead wait, and not that of a range that has arrived', async () => {
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

  it('harms no other reader when one closes twice or reads on after the end', async () => {
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
