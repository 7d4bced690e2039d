import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { Sandbox } from '../support/cli.js'
import { bytes, Origin } from '../support/origin.js'

describe('mirrors of the configuration file', () => {
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

  it('are asked before the origin, and the entry is that of the URL that was asked for', async () => {
    origin.serve('/kernel/linux.xz', { body: bytes('mirror', 1000) })
    writeFileSync(
      sandbox.configFile,
      `mirrors:\n  - match: https://cdn.example.org/**\n    to: ${origin.url('/kernel/')}\n`,
    )
    const fetched = await sandbox.run(['fetch', '-o', 'linux.xz', 'https://cdn.example.org/linux.xz'])
    assert.deepEqual([fetched.code, fetched.stderr], [0, ''])
    assert.equal(origin.log('/kernel/linux.xz').length, 1)
    assert.match((await sandbox.run(['list'])).stdout, /https:\/\/cdn\.example\.org\/linux\.xz/)
  })
})
