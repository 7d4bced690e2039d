import assert from 'node:assert/strict'
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { project } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'
import { bytes } from '../support/origin.js'
import { until } from '../support/until.js'

/** A reader of standard output that has stopped reading: a pager, a tape, a script that waits for something else. */
describe('kiss fetch into a pipe that nobody reads', () => {
  const body = bytes('blocked', 2_000_000)
  const cli = commandLine()
  beforeEach(() => {
    cli.origin.serve('/large', { body, etag: '"1"' })
  })

  /** The child has written as much as the pipe takes, and its output is not read on. */
  async function blocked(...flags: string[]) {
    const args = [path.join(project, 'bin/run.js'), 'fetch', '-q', '-o', '-', cli.origin.url('/large'), ...flags]
    const env = { PATH: process.env.PATH, HOME: cli.sandbox.home, KISS_CACHE_DIR: cli.sandbox.cacheDir }
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const exited = once(child, 'exit').then(([code]) => ({ code: code as number | null, stderr }))
    await once(child.stdout, 'readable')
    return { child, exited }
  }

  it('is interrupted by one SIGINT', async () => {
    const { child, exited } = await blocked()
    child.kill('SIGINT')
    assert.deepEqual(await exited, { code: 130, stderr: 'kiss: interrupted by SIGINT\n' })
  })

  it('ends when its time is up', async () => {
    const { exited } = await blocked('--max-time', '5s')
    assert.deepEqual(await exited, { code: 4, stderr: 'kiss: not done within 5s; raise --max-time\n' })
  })

  it('is interrupted while a named pipe has no reader, or one that has stopped reading', async () => {
    const pipe = path.join(cli.sandbox.cwd, 'pipe')
    execFileSync('mkfifo', [pipe])
    const alone = cli.sandbox.start(['fetch', '-o', pipe, cli.origin.url('/large')])
    await cli.origin.answered('/large')
    alone.child.kill('SIGINT')
    assert.equal((await alone.ended).code, 130)
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const { child, ended } = cli.sandbox.start(['fetch', '-o', pipe, cli.origin.url('/large')])
      await until('bytes in the pipe', () => isReadable(reader))
      child.kill('SIGINT')
      assert.equal((await ended).code, 130)
    } finally {
      closeSync(reader)
    }
  })

  it('is interrupted when the result alone waits to be read', async () => {
    // More than a pipe takes.
    const urls = Array.from({ length: 100 }, (_, n) => cli.origin.url(`/${'x/'.repeat(3000)}${n}`))
    for (const url of urls) cli.origin.serve(new URL(url).pathname, { body: bytes('small', 1) })
    await promisify(execFile)(process.execPath, [path.join(project, 'bin/run.js'), 'fetch', '--json', ...urls], {
      cwd: cli.sandbox.cwd,
      env: { PATH: process.env.PATH, HOME: cli.sandbox.home, KISS_CACHE_DIR: cli.sandbox.cacheDir },
      maxBuffer: 10_000_000,
    })
    const child = spawn(process.execPath, [path.join(project, 'bin/run.js'), 'list', '--json'], {
      env: { PATH: process.env.PATH, HOME: cli.sandbox.home, KISS_CACHE_DIR: cli.sandbox.cacheDir },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const exited = once(child, 'exit')
    await once(child.stdout, 'readable')
    child.kill('SIGINT')
    assert.deepEqual(await exited, [130, null])
  })
})

describe('a command whose standard input does not end', () => {
  const cli = commandLine()

  async function reading(args: readonly string[], meanwhile: (child: ChildProcess) => void) {
    const env = { PATH: process.env.PATH, HOME: cli.sandbox.home, KISS_CACHE_DIR: cli.sandbox.cacheDir }
    const child = spawn(process.execPath, [path.join(project, 'bin/run.js'), ...args], {
      env,
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    // The pipe takes so much only while it is read.
    child.stdin.on('error', () => undefined)
    child.stdin.write(`#${'x'.repeat(1_000_000)}\n`, (error) => error ?? meanwhile(child))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, stderr }
  }

  it('is interrupted by one signal', async () => {
    for (const args of [
      ['fetch', '-i', '-'],
      ['lava', 'urls', '-'],
      ['lava', 'rewrite', '--server', 'http://kiss', '-'],
    ]) {
      const ended = await reading(args, (child) => child.kill('SIGTERM'))
      assert.deepEqual(ended, { code: 143, stderr: 'kiss: interrupted by SIGTERM\n' }, args.join(' '))
    }
  })

  it('ends when its time is up', async () => {
    const ended = await reading(['fetch', '-i', '-', '--max-time', '2s'], () => undefined)
    assert.deepEqual(ended, { code: 4, stderr: 'kiss: not done within 2s; raise --max-time\n' })
  })
})

/** Takes a byte out of a pipe, where there is one. */
async function isReadable(fd: number): Promise<boolean> {
  await new Promise(setImmediate)
  try {
    return readSync(fd, Buffer.alloc(1)) === 1
  } catch {
    // EAGAIN: it has a writer, who has written nothing yet.
    return false
  }
}
