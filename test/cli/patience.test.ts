import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Sandbox } from '../support/cli.js'
import { bytes, Origin } from '../support/origin.js'

describe('kiss fetch from an origin in trouble', () => {
  const body = bytes('patience', 200_000)
  let sandbox: Sandbox
  let origin: Origin
  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
  })
  afterEach(async () => {
    await origin.close()
    sandbox.remove()
  })

  it('tries again after a 503 and after a cut', async () => {
    origin.script('/busy', [{ body, etag: '"1"', status: 503 }, { cut: { after: 1000 } }, {}])
    const { code, stderr } = await sandbox.run(['fetch', origin.url('/busy')])
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(readFileSync(path.join(sandbox.cwd, 'busy')), body)
    assert.equal(origin.log('/busy').length, 3)
  })

  it('lives through its pauses when nobody listens there, and says so when the time is up', async () => {
    const url = origin.url('/down')
    await origin.close()
    const { code, stdout, stderr } = await sandbox.run(['fetch', url, '--max-time', '1s'])
    origin = await Origin.start()
    assert.deepEqual([code, stdout, stderr], [4, '', 'kiss: not done within 1s; raise --max-time\n'])
  })
})
