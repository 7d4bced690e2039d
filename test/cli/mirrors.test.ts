import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { commandLine } from '../support/command-line.js'
import { bytes, Origin } from '../support/origin.js'

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

  it('are not asked for a path that leaves their folder when it is decoded', async () => {
    cli.origin.serve('/pub/..%2finternal%2fpasswords.txt', { body: bytes('secret', 1000) })
    const origin = await Origin.start()
    origin.serve('/..%2finternal%2fpasswords.txt', { body: bytes('own', 1000) })
    writeFileSync(
      cli.sandbox.configFile,
      `mirrors:\n  - match: ${origin.url('/')}**\n    to: ${cli.origin.url('/pub/')}\n`,
    )
    const fetched = await cli.sandbox.run(['fetch', '-o', 'x', origin.url('/..%2finternal%2fpasswords.txt')])
    await origin.close()
    assert.deepEqual([fetched.code, fetched.stderr, cli.origin.requests.length], [0, '', 0])
  })

  it('are named on stderr when they are down, and passed over', async () => {
    const gone = await Origin.start()
    const place = gone.url('/')
    await gone.close()
    cli.origin.serve('/a', { body: bytes('a', 1000) })
    cli.origin.serve('/b', { body: bytes('b', 1000) })
    writeFileSync(cli.sandbox.configFile, `mirrors:\n  - match: ${cli.origin.url('/')}\n    to: ${place}\n`)
    const fetched = await cli.sandbox.run(['fetch', '--parallel', '1', cli.origin.url('/a'), cli.origin.url('/b')])
    const says = `kiss: the mirror ${place} is down (ECONNREFUSED); asking it again in 10 s\n`
    assert.deepEqual([fetched.code, fetched.stderr], [0, says])
  })
})
