import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { descriptorOf } from '#kiss/cli/fetch/targets.js'
import { project } from '../../support/cli.js'
import { commandLine } from '../../support/command-line.js'
import { bytes } from '../../support/origin.js'

describe('kiss fetch --output with the name of a descriptor', () => {
  const body = bytes('descriptors', 700_000)
  const cli = commandLine()

  it('writes to the descriptor, and puts no file in the place of its name', async () => {
    cli.origin.serve('/f', { body })
    const run = (output: string, redirection: string): Promise<unknown> =>
      promisify(execFile)(
        'sh',
        [
          '-c',
          `exec "$0" "$@" ${redirection}`,
          process.execPath,
          path.join(project, 'bin/run.js'),
          'fetch',
          '-q',
        ].concat(cli.origin.url('/f'), ['-o', output]),
        {
          cwd: cli.sandbox.cwd,
          env: { PATH: process.env.PATH, HOME: cli.sandbox.home, KISS_CACHE_DIR: cli.sandbox.cacheDir },
        },
      )
    writeFileSync(path.join(cli.sandbox.cwd, 'log'), 'before\n')
    await run('/dev/fd/3', '3>>log')
    assert.ok(readFileSync(path.join(cli.sandbox.cwd, 'log')).equals(Buffer.concat([Buffer.from('before\n'), body])))
    await run('/proc/self/fd/2', '2>errors')
    assert.ok(readFileSync(path.join(cli.sandbox.cwd, 'errors')).equals(body))
    assert.deepEqual(readdirSync(cli.sandbox.cwd).sort(), ['errors', 'log'])
    await assert.rejects(run('/dev/fd/99', ''), { code: 6, stderr: 'kiss: cannot write /dev/fd/99: EBADF\n' })
  })

  it('knows the names of the system', () => {
    const names = ['/dev/stderr', '/dev/fd/3', '/proc/self/fd/12', '/dev/null', '/dev/fd/x', '/home/dev/fd/3']
    assert.deepEqual(names.map(descriptorOf), [2, 3, 12, undefined, undefined, undefined])
  })
})
