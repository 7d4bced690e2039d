import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { collect, project, type Running } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'
import { bytes } from '../support/origin.js'

const GROUP = 54_320

describe('a cache directory of another user', () => {
  const cli = commandLine()
  beforeEach(function () {
    if (process.getuid?.() === 0) return
    console.log('      skipped: this process may not become another user')
    this.skip()
  })

  /** As a user of the group, in a directory of its own. */
  function start(uid: number, args: readonly string[]): Running {
    const cwd = path.join(cli.sandbox.root, String(uid))
    mkdirSync(cwd, { recursive: true })
    chownSync(cwd, uid, GROUP)
    chmodSync(cli.sandbox.root, 0o755)
    const env = { PATH: process.env.PATH, HOME: cwd, KISS_CACHE_DIR: cli.sandbox.cacheDir, KISS_NO_PROGRESS: 'true' }
    const child = spawn(process.execPath, [path.join(project, 'bin/run.js'), ...args], { env, cwd, uid, gid: GROUP })
    child.stdin.end()
    return { child, ended: collect(child) }
  }

  it('that is shared by a group lets one user continue the download of a killed process of another one, and store it', async () => {
    const body = bytes('shared', 400_000)
    mkdirSync(cli.sandbox.cacheDir)
    chownSync(cli.sandbox.cacheDir, 0, GROUP)
    chmodSync(cli.sandbox.cacheDir, 0o2770)
    cli.origin.script('/f', [{ body, etag: '"1"', stall: { after: 150_000 } }, {}])
    const url = cli.origin.url('/f')
    const first = start(54_321, ['fetch', '-o', '-', url])
    await received(first, 150_000)
    first.child.kill('SIGKILL')
    await first.ended

    const { code, stderr } = await start(54_322, ['fetch', url]).ended
    assert.equal(code, 0, stderr)
    assert.ok(readFileSync(path.join(cli.sandbox.root, '54322', 'f')).equals(body))
    assert.equal(cli.origin.log('/f').at(-1)?.headers.range, 'bytes=150000-')
    assert.equal((await start(54_321, ['fetch', '--offline', url]).ended).code, 0)
    assert.equal((await start(54_321, ['purge', '--all', '--yes']).ended).code, 0)
  })

  it('is read-only, and says so where it must write', async () => {
    cli.origin.serve('/f', { body: bytes('read', 1_000), etag: '"1"' })
    assert.equal((await cli.sandbox.run(['fetch', cli.origin.url('/f')])).code, 0)
    chmodSync(cli.sandbox.cacheDir, 0o755)
    execFileSync('chmod', ['-R', 'a+rX', cli.sandbox.cacheDir])
    assert.equal((await start(54_321, ['fetch', cli.origin.url('/f')]).ended).code, 0)
    const { code, stderr } = await start(54_321, ['fetch', cli.origin.url('/new')]).ended
    assert.equal(code, 6)
    assert.match(stderr, /kiss: the cache directory \S+ is read-only\n$/)
  })

  it('in which a folder cannot be read is no bug for kiss verify', async () => {
    mkdirSync(cli.sandbox.cacheDir)
    chownSync(cli.sandbox.cacheDir, 54_321, GROUP)
    assert.equal((await start(54_321, ['list']).ended).code, 0)
    mkdirSync(path.join(cli.sandbox.cacheDir, 'blobs', '00'), 0o700)
    const { code, stderr } = await start(54_321, ['verify']).ended
    assert.equal(code, 6, stderr)
    assert.match(stderr, /^kiss: cannot verify \S+: EACCES: permission denied[^\n]*blobs\/00'\n$/)
  })

  it('in which a download cannot be read is no bug for kiss purge', async () => {
    mkdirSync(cli.sandbox.cacheDir)
    chownSync(cli.sandbox.cacheDir, 54_321, GROUP)
    assert.equal((await start(54_321, ['list']).ended).code, 0)
    mkdirSync(path.join(cli.sandbox.cacheDir, 'transfers', 'b'.repeat(64)), 0o700)
    const { code, stderr } = await start(54_321, ['purge', '--all', '--yes']).ended
    assert.equal(code, 6, stderr)
    assert.match(stderr, /^kiss: cannot purge the downloads under way: EACCES: permission denied/m)
  })
})

/** Resolves when the process has written so many bytes. */
function received({ child }: Running, bytes: number): Promise<void> {
  return new Promise((resolve) => {
    child.stdout.setEncoding('latin1')
    let count = 0
    child.stdout.on('data', (text: string) => {
      count += text.length
      if (count >= bytes) resolve()
    })
  })
}
