import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { open, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { openInput } from '#kiss/cli/input.js'
import { commandLine } from '../support/command-line.js'

describe('input from a pipe', () => {
  const cli = commandLine()
  let pipe: string
  beforeEach(() => {
    pipe = path.join(cli.sandbox.cwd, 'pipe')
    execFileSync('mkfifo', [pipe])
  })

  const commands: [name: string, args: () => string[]][] = [
    ['a list of URLs', () => ['fetch', '-i', pipe]],
    ['headers', () => ['fetch', '-H', `@${pipe}`, cli.origin.url('/x')]],
    ['a bundle', () => ['bundle', 'load', pipe]],
    ['a job', () => ['lava', 'urls', pipe]],
  ]
  for (const [name, args] of commands) {
    it(`ends by one signal while the command waits for ${name}`, async () => {
      const { child, ended } = cli.sandbox.start(args())
      // Resolves when the command has opened the pipe.
      const writer = await open(pipe, 'w')
      child.kill('SIGINT')
      const { code, stderr } = await ended
      await writer.close()
      assert.deepEqual([code, stderr], [130, 'kiss: interrupted by SIGINT\n'])
    })
  }

  it('is read to its end, which may come long after the pipe was opened', async () => {
    const reading = text(openInput(pipe))
    await writeFile(pipe, 'x'.repeat(200_000))
    assert.equal((await reading).length, 200_000)
  })

  it('of a file that is not there or is a directory is the error of the system', async () => {
    assert.throws(() => openInput(path.join(cli.sandbox.cwd, 'none')), { code: 'ENOENT' })
    await assert.rejects(text(openInput(cli.sandbox.cwd)), { code: 'EISDIR' })
  })
})
