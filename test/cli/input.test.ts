import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { openInput } from '#kiss/cli/input.js'
import { collect, firstLine, project } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'
import { hasScript } from '../support/screen.js'
import { until } from '../support/until.js'

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

  it('may be typed at a terminal instead', async function () {
    if (!hasScript()) this.skip()
    cli.origin.serve('/x', { body: Buffer.from('x') })
    const command = `echo $$; exec '${process.execPath}' '${path.join(project, 'bin/run.js')}' fetch -i /dev/tty`
    const { PATH } = process.env
    const env = { PATH, HOME: cli.sandbox.home, KISS_CACHE_DIR: cli.sandbox.cacheDir, SHELL: '/bin/sh' }
    const child = spawn('script', ['-qefc', command, '/dev/null'], { cwd: cli.sandbox.cwd, env })
    const ended = collect(child)
    const open = `/proc/${(await firstLine(child.stdout)).trim()}/fd`
    await until('the command reads the terminal', () => readdirSync(open).some((fd) => isTerminal(path.join(open, fd))))
    // The end of the input is a control-D at the beginning of a line.
    child.stdin.write(`${cli.origin.url('/x')}\n\x04`)
    const { code, stdout } = await ended
    assert.equal(code, 0, stdout)
    assert.equal(readFileSync(path.join(cli.sandbox.cwd, 'x'), 'utf8'), 'x')
  })

  it('of a file that is not there or is a directory is the error of the system', async () => {
    await assert.rejects(text(openInput(path.join(cli.sandbox.cwd, 'none'))), { code: 'ENOENT' })
    await assert.rejects(text(openInput(cli.sandbox.cwd)), { code: 'EISDIR' })
  })
})

/** Is this descriptor the one that was opened by this name? */
function isTerminal(descriptor: string): boolean {
  try {
    return readlinkSync(descriptor) === '/dev/tty'
  } catch {
    return false // closed meanwhile
  }
}
