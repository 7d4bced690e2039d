import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { bytes } from '../../support/origin.js'
import { project } from '../../support/cli.js'
import { environment } from '../../support/processes.js'
import { MovableClock } from '../../support/engine.js'
import { faultLab } from './lab.js'

const body = bytes('unasked', 10_000)

/** A part that nobody asked for: a broken cache before the origin. */
const part = { status: 206, headers: { 'content-range': 'bytes 0-4/10000' } }

describe('faults: parts that no request asked for', () => {
  const lab = faultLab()

  it('fails with 502 and exit 4 at once after a 206 to a request for the whole body', async () => {
    lab.origin.script('/s', [part])
    const got = await lab.get(await lab.engine(), '/s')
    assert.deepEqual([got.code, got.status, got.error?.exit], ['origin-failed', 502, 4])
    assert.equal(lab.asked('/s').length, 1)
  })

  it('serves the stale entry after one request when a 206 answers the validation', async () => {
    const clock = new MovableClock()
    lab.origin.script('/s', [{ body, etag: '"1"' }, part])
    const engine = await lab.engine({ clock, defaultTtl: 1_000 })
    await lab.get(engine, '/s')
    clock.move(2_000)
    const got = await lab.get(engine, '/s')
    assert.deepEqual([got.as, got.code], ['stale', undefined])
    assert.ok(got.body.equals(body))
    assert.equal(lab.asked('/s').length, 2)
  })
})

describe('faults: an engine in a process that has nothing else to do', () => {
  const lab = faultLab()

  it('lives through the pause before the next attempt', async () => {
    lab.origin.script('/s', [{ status: 503 }, { body }])
    const script = `
      import { openEngine } from '#kiss/engine/open.js'
      const [cacheDir, url] = process.argv.slice(1)
      const engine = await openEngine({ cacheDir, upstream: { guard: false, env: {} } })
      const artifact = await engine.fetch({ url: new URL(url) })
      await artifact.finished()
      await artifact.close('done')
      await engine.close()`
    const args = ['--input-type=module', '-e', script, await lab.folder(), lab.origin.url('/s')]
    const child = spawn(process.execPath, args, {
      cwd: project,
      env: environment,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })
})
