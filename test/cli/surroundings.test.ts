import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { project } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

describe('a process without what a login has', () => {
  const cli = commandLine()
  const bin = path.join(project, 'bin/run.js')
  const user = process.getuid?.() === 0 ? { uid: 54_321, gid: 54_321 } : {}

  /** As a user without a name where the test may become one, with this environment alone. */
  function run(args: readonly string[], env: Record<string, string> = {}, shell = ''): Promise<Ran> {
    chmodSync(cli.sandbox.root, 0o777)
    const script = `${shell} exec "${process.execPath}" "${bin}" "$@"`
    const options = { env: { PATH: process.env.PATH ?? '', ...env }, cwd: cli.sandbox.root, ...user }
    return new Promise((resolve) =>
      execFile('/bin/sh', ['-c', script, 'sh', ...args], options, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      ),
    )
  }

  it('shows version and help without a home, and says in one line that the cache has no place', async () => {
    for (const env of [{ HOME: '/nonexistent' }, { HOME: '' }]) {
      assert.match((await run(['--version'], env)).stdout, /^kiss\//)
      assert.equal((await run(['fetch', '--help'], env)).code, 0)
    }
    const { code, stdout, stderr } = await run(['list'], { HOME: '/nonexistent' })
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /^kiss: there is no home directory for the cache; [^\n]*--cache-dir[^\n]*\n$/)
    const named = await run(['list', '--cache-dir', path.join(cli.sandbox.root, 'new')])
    assert.deepEqual(named, { code: 0, stdout: '0 entries, 0 B\n', stderr: '' })
  })

  it('works in a deleted working directory as far as no relative path is meant', async () => {
    const gone = `mkdir gone && cd gone && rmdir ../gone &&`
    const cacheDir = ['--cache-dir', path.join(cli.sandbox.root, 'new')]
    assert.match((await run(['--version'], {}, gone)).stdout, /^kiss\//)
    assert.equal((await run(['list', ...cacheDir], {}, gone)).code, 0)
    for (const args of [
      ['list', '--cache-dir', 'relative'],
      ['fetch', 'http://127.0.0.1:1/x', ...cacheDir],
    ]) {
      const { code, stderr } = await run(args, {}, gone)
      assert.equal(code, 2, stderr)
      assert.match(stderr, /^kiss: [^\n]*the working directory has been deleted; write an absolute path\n$/)
    }
  })

  it('goes on without an unreadable configuration file where the command names its cache', async () => {
    // A folder cannot be read by anybody, root included.
    mkdirSync(cli.sandbox.configFile)
    const named = await cli.sandbox.run(['list'])
    assert.deepEqual([named.code, named.stdout], [0, '0 entries, 0 B\n'])
    assert.match(named.stderr, /^kiss: cannot read the configuration file [^\n]*: EISDIR; continuing without it\n$/)
    const unnamed = await cli.sandbox.run(['list'], { env: { KISS_CACHE_DIR: undefined } })
    assert.deepEqual([unnamed.code, unnamed.stdout], [2, ''])
  })

  it('is told that a path is too long for SQLite', async () => {
    const long = path.join(cli.sandbox.root, ...Array.from({ length: 6 }, () => 'd'.repeat(100)))
    const { code, stderr } = await cli.sandbox.run(['list', '--cache-dir', long])
    assert.equal(code, 2)
    assert.match(stderr, /^kiss: the path of the index has \d+ bytes; SQLite takes at most 504; [^\n]*\n$/)
  })

  it('is told that --output names a directory', async () => {
    for (const output of ['newdir/', '.', 'a/..']) {
      const { code, stderr } = await cli.sandbox.run(['fetch', '-o', output, cli.origin.url('/a')])
      assert.deepEqual([code, stderr], [2, `kiss: --output ${output} names a directory; use --directory\n`])
    }
  })

  it('chooses what to purge and whether to ask by flags alone', async () => {
    const env = { KISS_ALL: 'true', KISS_YES: 'true', KISS_STALE: 'true', KISS_MATCH: '**', KISS_OLDER_THAN: '0s' }
    const chosen = await cli.sandbox.run(['purge'], { env })
    assert.equal(chosen.code, 2)
    assert.match(chosen.stderr, /name URLs or a filter/)
    const unasked = await cli.sandbox.run(['purge', '--all'], { env })
    assert.equal(unasked.code, 2)
    assert.match(unasked.stderr, /needs --yes/)
    writeFileSync(cli.sandbox.configFile, 'all: true\n')
    const configured = await cli.sandbox.run(['purge'])
    assert.equal(configured.code, 2)
    assert.match(configured.stderr, /all cannot be set in the file: use --all/)
  })
})
