/** A wall clock that is set forward or back: spans do not notice, and times in the future count as long ago. */
import assert from 'node:assert/strict'
import { MovableClock } from '../support/engine.js'
import { bytes, latch } from '../support/origin.js'
import { faultLab, readUpTo } from '../flight/faults/lab.js'

const HOUR = 3_600_000
const LENGTH = 100_000
const body = bytes('clock', LENGTH)

describe('a wall clock that is set', () => {
  const lab = faultLab()

  for (const request of [{}, { refresh: true }, { ttl: 0 }, { ttl: 1000 }]) {
    it(`validates an entry that was stored before the clock was set back (${JSON.stringify(request)})`, async () => {
      const clock = new MovableClock()
      const kiss = await lab.engine({ clock })
      lab.origin.serve('/c', { body, etag: '"1"' })
      await lab.get(kiss, '/c')
      clock.step(-HOUR)
      assert.equal((await lab.get(kiss, '/c', request)).as, 'revalidated')
      assert.equal((await lab.get(kiss, '/c')).as, 'hit')
      assert.deepEqual(lab.asked('/c'), ['GET', 'GET unless "1"'])
    })
  }

  it('validates once when the clock is set back during the validation', async () => {
    const clock = new MovableClock()
    const kiss = await lab.engine({ clock })
    const hold = latch()
    lab.origin.script('/c', [{ body, etag: '"1"' }, { hold: hold.opened }])
    await lab.get(kiss, '/c')
    const getting = lab.get(kiss, '/c', { refresh: true })
    await lab.origin.requested('/c', 2)
    clock.step(-HOUR)
    hold.open()
    assert.equal((await getting).as, 'revalidated')
    assert.equal(lab.asked('/c').length, 2)
  })

  for (const step of [-HOUR, HOUR]) {
    it(`remembers a failure for ten seconds, whatever the clock says (set by ${step / HOUR} h)`, async () => {
      const clock = new MovableClock()
      const kiss = await lab.engine({ clock })
      lab.origin.script('/c', [{ status: 404 }, { body }])
      assert.equal((await lab.get(kiss, '/c')).status, 404)
      clock.step(step)
      assert.equal((await lab.get(kiss, '/c')).status, 404)
      clock.move(11_000)
      assert.ok((await lab.get(kiss, '/c')).body.equals(body))
    })

    it(`makes one download for two engines (set by ${step / HOUR} h in the middle of it)`, async () => {
      const cacheDir = await lab.folder()
      const clock = new MovableClock()
      const [owner, other] = [await lab.engine({ cacheDir, clock }), await lab.engine({ cacheDir, clock })]
      const wake = latch()
      lab.origin.script('/c', [{ body, etag: '"1"', stall: { after: 10, until: wake.opened } }])
      const first = await lab.open(owner, '/c')
      await readUpTo(first, 10)
      const second = await lab.open(other, '/c')
      clock.step(step)
      const third = await lab.open(await lab.engine({ cacheDir, clock }), '/c')
      await readUpTo(third, 10)
      wake.open()
      for (const artifact of [first, second, third]) {
        assert.ok((await readUpTo(artifact, LENGTH)).equals(body))
        assert.ok(await artifact.finished())
        await artifact.close('done')
      }
      assert.deepEqual(lab.asked('/c'), ['GET'])
    })

    it(`retries for as long as it was told to (set by ${step / HOUR} h meanwhile)`, async () => {
      const clock = new MovableClock()
      const kiss = await lab.engine({ clock, retryFor: 60_000 })
      lab.origin.script('/c', [
        { status: 503 },
        { handler: (_, response) => (clock.step(step), response.writeHead(503).end()) },
        { status: 503 },
        { body },
      ])
      assert.ok((await lab.get(kiss, '/c')).body.equals(body))
    })
  }

  it('forgets an accepted credential after --auth-ttl although the clock was set back', async () => {
    const clock = new MovableClock()
    const kiss = await lab.engine({ clock })
    const headers = { authorization: 'Bearer right' }
    lab.origin.serve('/c', { body, etag: '"1"', requires: headers })
    await lab.get(kiss, '/c', { headers })
    clock.step(-HOUR)
    clock.move(5 * 60_000 + 1)
    lab.origin.script('/c', [{ status: 403 }])
    assert.equal((await lab.get(kiss, '/c', { headers })).status, 403)
  })

  it('counts the age of an entry anew when the origin has confirmed it', async () => {
    const clock = new MovableClock()
    const kiss = await lab.engine({ clock })
    lab.origin.serve('/c', { body, etag: '"1"' })
    await lab.get(kiss, '/c')
    clock.step(-HOUR)
    await lab.get(kiss, '/c')
    assert.equal((await kiss.purge({ olderThan: 1000, dryRun: true })).removed, 0)
  })

  it('purges by age what was stored under a clock that was ahead', async () => {
    const clock = new MovableClock()
    clock.step(HOUR)
    const cacheDir = await lab.folder()
    const early = await lab.engine({ cacheDir, clock })
    lab.origin.serve('/c', { body })
    await lab.get(early, '/c')
    await early.close()
    const kiss = await lab.engine({ cacheDir })
    for (const filter of [{ stale: true }, { olderThan: 1000 }, { unusedFor: 1000 }])
      assert.equal((await kiss.purge({ ...filter, dryRun: true })).removed, 1)
    assert.equal((await kiss.purge({ olderThan: 1000 })).removed, 1)
  })
})
