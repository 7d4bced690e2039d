import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { monotonic } from '#kiss/clock.js'
import { bytes, latch, sha256, type Step } from '../../support/origin.js'
import { bodySize, children, transfersOf } from './children.js'
import { matrix, readUpTo } from './lab.js'
import { until } from '../../support/until.js'

const LENGTH = 1_000_000
const HALF = 500_000
const body = bytes('processes', LENGTH)
const other = bytes('other', LENGTH)
const REST = `GET bytes=${HALF}- if "1"`
/** Milliseconds: an owner that is frozen for longer than its silence is given up. */
const QUICK = { heartbeat: 20, silence: 400 }

matrix('faults: owners that die in mid-body', LENGTH, (lab) => {
  const start = children(lab.parallel)

  /** Kinds of body: what its successor asks for. */
  const kinds: Readonly<Record<string, readonly [Step, string]>> = {
    'with a strong ETag': [{ etag: '"1"' }, REST],
    'chunked, with a strong ETag': [{ etag: '"1"', framing: 'chunked' }, REST],
    'without a validator': [{}, 'GET'],
  }
  for (const [kind, [served, rest]] of Object.entries(kinds)) {
    it(`continues in a waiting process where the file of a killed one ends (${kind}), and its readers notice nothing`, async () => {
      const cacheDir = await lab.folder()
      const owner = await start(cacheDir)
      lab.origin.script('/t', [{ body, ...served, stall: { after: HALF } }, {}])
      const lost = owner.fetch(lab.origin.url('/t')).catch(() => 'died')
      await lab.origin.requested('/t')
      const waiting = await lab.engine({ cacheDir })
      const artifact = await lab.open(waiting, '/t')
      assert.equal(artifact.as, 'collapsed')
      assert.ok((await readUpTo(artifact, HALF)).equals(body.subarray(0, HALF)))
      await owner.kill()
      assert.equal(await lost, 'died')
      assert.ok((await readUpTo(artifact, LENGTH, HALF)).equals(body.subarray(HALF)))
      assert.equal((await artifact.finished())?.sha256, sha256(body))
      await artifact.close('done')
      lab.wasAsked('/t', ['GET', rest])
      assert.equal((await lab.get(waiting, '/t')).as, 'hit')
      assert.equal((await waiting.status()).usage.reserved, 0, 'the killed process has room')
    })
  }

  it('continues the download of a killed process in one of many that wait', async () => {
    const cacheDir = await lab.folder()
    const [owner, child] = [await start(cacheDir), await start(cacheDir)]
    lab.origin.script('/t', [{ body, etag: '"1"', stall: { after: HALF } }, { throttle: 5_000_000 }])
    void owner.fetch(lab.origin.url('/t')).catch(() => undefined)
    await lab.origin.requested('/t')
    const engines = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
    const elsewhere = child.fetch(lab.origin.url('/t'))
    const artifacts = await Promise.all(engines.map((kiss) => lab.open(kiss, '/t')))
    await Promise.all(artifacts.map((artifact) => readUpTo(artifact, HALF)))
    await owner.kill()
    for (const artifact of artifacts) {
      assert.ok((await readUpTo(artifact, LENGTH, HALF)).equals(body.subarray(HALF)))
      await artifact.close('done')
    }
    assert.deepEqual(await elsewhere, { size: LENGTH, sha256: sha256(body), code: null, kept: true })
    lab.wasAsked('/t', ['GET', REST])
  })

  it('cuts the reader of the old content short if the content changed when a process was killed, and gives the next one the new', async () => {
    const cacheDir = await lab.folder()
    const owner = await start(cacheDir)
    lab.origin.script('/t', [
      { body, etag: '"1"', stall: { after: HALF } },
      { body: other, etag: '"2"' },
    ])
    void owner.fetch(lab.origin.url('/t')).catch(() => undefined)
    await lab.origin.requested('/t')
    const kiss = await lab.engine({ cacheDir })
    const artifact = await lab.open(kiss, '/t')
    await readUpTo(artifact, HALF)
    await owner.kill()
    await assert.rejects(readUpTo(artifact, LENGTH, HALF), { code: 'content-changed' })
    await artifact.close('aborted')
    assert.ok((await lab.get(kiss, '/t')).body.equals(other))
  })

  describe('that are frozen', () => {
    it('starts a file of its own in the waiting process if the leader is frozen for too long, and its readers notice nothing', async () => {
      const cacheDir = await lab.folder()
      const owner = await start(cacheDir, QUICK)
      const kiss = await lab.engine({ cacheDir, leaseTimes: QUICK })
      const wake = latch()
      lab.origin.script('/t', [{ body, etag: '"1"', stall: { after: HALF, until: wake.opened } }, {}])
      const frozen = owner.fetch(lab.origin.url('/t'))
      await lab.origin.requested('/t')
      const artifact = await lab.open(kiss, '/t')
      await readUpTo(artifact, HALF)
      owner.freeze()
      assert.ok((await readUpTo(artifact, LENGTH, HALF)).equals(body.subarray(HALF)))
      assert.ok(await artifact.finished())
      await artifact.close('done')
      // Its own file from the start: what the frozen one has may still be written to.
      lab.wasAsked('/t', ['GET', 'GET'])
      owner.wake()
      wake.open()
      assert.deepEqual(await frozen, { size: LENGTH, sha256: sha256(body), code: null, kept: false })
      assert.equal((await lab.get(kiss, '/t')).as, 'hit')
    })

    it('gives the bytes of a process that wakes up after newer content was stored to its own readers, and does not store them', async () => {
      const cacheDir = await lab.folder()
      const owner = await start(cacheDir, QUICK)
      const kiss = await lab.engine({ cacheDir, leaseTimes: QUICK })
      const wake = latch()
      lab.origin.script('/t', [
        { body, etag: '"1"', stall: { after: HALF, until: wake.opened } },
        { body: other, etag: '"2"' },
      ])
      const frozen = owner.fetch(lab.origin.url('/t'))
      await lab.origin.requested('/t')
      await until('a half', async () => (await bodySize(cacheDir, lab.origin.url('/t'))) >= HALF)
      owner.freeze()
      const path = join(transfersOf(cacheDir, lab.origin.url('/t')), '1', 'owner')
      await until('a silent owner', async () => monotonic() - (await stat(path)).mtimeMs > QUICK.silence)
      assert.ok((await lab.get(kiss, '/t')).body.equals(other))
      owner.wake()
      wake.open()
      assert.deepEqual(await frozen, { size: LENGTH, sha256: sha256(body), code: null, kept: false })
      const got = await lab.get(kiss, '/t')
      assert.ok(got.as === 'hit' && got.body.equals(other))
    })
  })
})
