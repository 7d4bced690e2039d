/** Processes that die at each step of a download, and what they leave in the cache directory. */
import assert from 'node:assert/strict'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '#kiss/engine/types.js'
import { MovableClock } from '../../support/engine.js'
import { bytes, latch, sha256 } from '../../support/origin.js'
import { bodySize, children, transfersOf } from './children.js'
import { faultLab, readUpTo } from './lab.js'
import { until } from '../../support/until.js'

const LENGTH = 1_000_000
const HALF = 500_000
/** Milliseconds. */
const HOUR = 3_600_000
const body = bytes('processes', LENGTH)
const other = bytes('other', LENGTH)
const REST = `GET bytes=${HALF}- if "1"`

describe('faults: owners that die', () => {
  const start = children()
  const lab = faultLab()

  it('continues where the last owner was when several die one after the other', async () => {
    const cacheDir = await lab.folder()
    const kiss = await lab.engine({ cacheDir })
    const steps = [1, 2, 3].map(() => ({ stall: { after: 200_000 } }))
    lab.origin.script('/t', [{ body, etag: '"1"', ...steps[0] }, ...steps.slice(1), {}])
    for (const i of [1, 2, 3]) {
      // Nobody waits: the next process takes the file over when it asks.
      const owner = await start(cacheDir)
      void owner.fetch(lab.origin.url('/t')).catch(() => undefined)
      await until('the next part', async () => (await bodySize(cacheDir, lab.origin.url('/t'))) >= 200_000 * i)
      await owner.kill()
    }
    const artifact = await lab.open(kiss, '/t')
    assert.ok((await readUpTo(artifact, LENGTH)).equals(body))
    await artifact.close('done')
    const rest = [200_000, 400_000, 600_000].map((at) => `GET bytes=${at}- if "1"`)
    assert.deepEqual(lab.asked('/t'), ['GET', ...rest])
  })

  for (const [dies, asked] of [
    ['claimed', ['GET']],
    ['head written', ['GET', 'GET']],
    ['summed', ['GET']],
    ['renamed', ['GET']],
    ['indexed', ['GET']],
  ] as const) {
    for (const framing of ['length', 'chunked'] as const) {
      it(`gives waiting readers the whole body without a second request for a byte when the owner was killed after it had ${dies} (${framing})`, async () => {
        const cacheDir = await lab.folder()
        const [owner, kiss] = [await start(cacheDir), await lab.engine({ cacheDir })]
        const hold = latch()
        lab.origin.script('/t', [
          { body, framing, ...(dies === 'claimed' ? {} : { stall: { after: HALF, until: hold.opened } }) },
          {},
        ])
        const dying = owner.die(lab.origin.url('/t'), dies)
        if (dies === 'claimed' || dies === 'head written') {
          await dying
          hold.open()
          assert.ok((await lab.get(kiss, '/t')).body.equals(body))
        } else {
          await lab.origin.requested('/t')
          const artifact = await lab.open(kiss, '/t')
          await readUpTo(artifact, HALF)
          hold.open()
          await dying
          assert.ok((await readUpTo(artifact, LENGTH, HALF)).equals(body.subarray(HALF)))
          assert.equal(await artifact.content.read(Buffer.alloc(1), LENGTH), 0)
          await artifact.close('done')
          assert.equal((await artifact.finished())?.sha256, sha256(body))
        }
        const again = await lab.get(kiss, '/t')
        assert.ok(again.as === 'hit' && again.body.equals(body))
        assert.deepEqual(lab.asked('/t'), [...asked])
      })
    }
  }

  for (const dies of ['summed', 'renamed'] as const) {
    describe(`killed when it had ${dies} every byte`, () => {
      /** An engine that opens the directory so many milliseconds after the death; the content has changed since then. */
      async function openLater(later: number): Promise<{ clock: MovableClock; kiss: Engine }> {
        const cacheDir = await lab.folder()
        const owner = await start(cacheDir)
        lab.origin.script('/t', [
          { body, etag: '"1"' },
          { body: other, etag: '"2"' },
        ])
        await owner.die(lab.origin.url('/t'), dies)
        const clock = new MovableClock()
        clock.step(later)
        return { clock, kiss: await lab.engine({ cacheDir, clock, defaultTtl: 10 * HOUR }) }
      }

      it('an owner leaves bytes whose age a later process knows', async () => {
        const { clock, kiss } = await openLater(6 * HOUR)
        assert.ok((await lab.get(kiss, '/t')).body.equals(body))
        assert.deepEqual(lab.asked('/t'), ['GET'])
        for await (const { validatedAt } of kiss.list()) assert.ok(Number.isInteger(validatedAt), `${validatedAt}`)
        clock.step(6 * HOUR)
        assert.ok((await lab.get(kiss, '/t')).body.equals(other))
      })

      it('an owner leaves bytes for which the origin is asked again when their lifetime is over', async () => {
        const { kiss } = await openLater(11 * HOUR)
        // A client that is told that the content changed asks again.
        await lab.get(kiss, '/t').catch(() => undefined)
        assert.ok((await lab.get(kiss, '/t')).body.equals(other))
      })
    })
  }

  it('a directory that was made by a process killed before it wrote who it is', async () => {
    const cacheDir = await lab.folder()
    const kiss = await lab.engine({ cacheDir })
    lab.origin.serve('/t', { body })
    const generation = join(transfersOf(cacheDir, lab.origin.url('/t')), '1')
    await mkdir(generation, { recursive: true })
    await utimes(generation, 1, 1)
    assert.ok((await lab.get(kiss, '/t')).body.equals(body))
  })

  it('an unfinished file of another boot is not continued', async () => {
    const cacheDir = await lab.folder()
    const kiss = await lab.engine({ cacheDir })
    lab.origin.serve('/t', { body, etag: '"1"' })
    const generation = join(transfersOf(cacheDir, lab.origin.url('/t')), '1')
    await mkdir(generation, { recursive: true })
    const owner = {
      boot: 'another',
      pid: 1,
      started: 1,
      namespace: '',
      engine: '',
      startedAt: 1,
      url: '',
      private: false,
      access: 'public',
    }
    await writeFile(join(generation, 'owner'), JSON.stringify(owner))
    await writeFile(join(generation, 'ended'), '')
    await writeFile(
      join(generation, 'head.json'),
      JSON.stringify({ headers: { etag: '"1"' }, length: LENGTH, ranges: true, varies: false }),
    )
    await writeFile(join(generation, 'body'), other.subarray(0, HALF))
    assert.ok((await lab.get(kiss, '/t')).body.equals(body))
    assert.deepEqual(lab.asked('/t'), ['GET'])
  })

  it('an owner that is stopped in good order is continued at once', async () => {
    const cacheDir = await lab.folder()
    const [owner, kiss] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
    lab.origin.script('/t', [{ body, etag: '"1"', stall: { after: HALF } }, {}])
    const first = lab.get(owner, '/t')
    await lab.origin.requested('/t')
    const artifact = await lab.open(kiss, '/t')
    await readUpTo(artifact, HALF)
    await owner.close()
    assert.equal((await first).code, 'interrupted')
    assert.ok((await readUpTo(artifact, LENGTH, HALF)).equals(body.subarray(HALF)))
    await artifact.close('done')
    assert.deepEqual(lab.asked('/t'), ['GET', REST])
  })

  it('nothing is left in the folder of transfers', async () => {
    const cacheDir = await lab.folder()
    const owner = await start(cacheDir)
    lab.origin.script('/t', [{ body, etag: '"1"', stall: { after: HALF } }, {}])
    void owner.fetch(lab.origin.url('/t')).catch(() => undefined)
    await until('a half', async () => (await bodySize(cacheDir, lab.origin.url('/t'))) >= HALF)
    await owner.kill()
    await lab.get(await lab.engine({ cacheDir }), '/t')
    assert.deepEqual(await readdir(join(cacheDir, 'transfers')), [])
  })
})
