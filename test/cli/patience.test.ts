import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { commandLine } from '../support/command-line.js'
import { bytes, Origin } from '../support/origin.js'

describe('kiss fetch from an origin in trouble', () => {
  const body = bytes('patience', 200_000)
  const cli = commandLine()

  it('tries again after a 503 and after a cut', async () => {
    cli.origin.script('/busy', [{ body, etag: '"1"', status: 503 }, { cut: { after: 1000 } }, {}])
    const { code, stderr } = await cli.sandbox.run(['fetch', cli.origin.url('/busy')])
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(readFileSync(path.join(cli.sandbox.cwd, 'busy')), body)
    assert.equal(cli.origin.log('/busy').length, 3)
  })

  it('lives through its pauses when nobody listens there, and says so when the time is up', async () => {
    const gone = await Origin.start()
    const url = gone.url('/down')
    await gone.close()
    const { code, stdout, stderr } = await cli.sandbox.run(['fetch', url, '--max-time', '1s'])
    assert.deepEqual([code, stdout, stderr], [4, '', 'kiss: not done within 1s; raise --max-time\n'])
  })
})
