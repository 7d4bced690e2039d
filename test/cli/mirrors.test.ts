import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { commandLine } from '../support/command-line.js'
import { bytes } from '../support/origin.js'

describe('mirrors of the configuration file', () => {
  const cli = commandLine()

  it('are asked before the origin, and the entry is that of the URL that was asked for', async () => {
    cli.origin.serve('/kernel/linux.xz', { body: bytes('mirror', 1000) })
    writeFileSync(
      cli.sandbox.configFile,
      `mirrors:\n  - match: https://cdn.example.org/**\n    to: ${cli.origin.url('/kernel/')}\n`,
    )
    const fetched = await cli.sandbox.run(['fetch', '-o', 'linux.xz', 'https://cdn.example.org/linux.xz'])
    assert.deepEqual([fetched.code, fetched.stderr], [0, ''])
    assert.equal(cli.origin.log('/kernel/linux.xz').length, 1)
    assert.match((await cli.sandbox.run(['list'])).stdout, /https:\/\/cdn\.example\.org\/linux\.xz/)
  })
})
