import assert from 'node:assert/strict'
import { closeSync, openSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '#kiss/store/index/connection.js'
import { listening, type Ran } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'
import { bytes } from '../support/origin.js'
import { mountTmpfs, type Tmpfs } from '../support/tmpfs.js'

const MIB = 1024 * 1024

describe('a cache on a small file system', () => {
  const cli = commandLine()
  let disk: Tmpfs

  beforeEach(async function () {
    const mounted = mountTmpfs(8 * MIB)
    if (mounted === undefined) {
      console.log('      skipped: this process may not mount a tmpfs')
      return this.skip()
    }
    disk = mounted
    for (const name of ['a', 'b']) cli.origin.serve(`/${name}`, { body: bytes(name, MIB), etag: `"${name}"` })
    const { code, stderr } = await run(['fetch', '-d', cli.sandbox.cwd, cli.origin.url('/a'), cli.origin.url('/b')])
    assert.equal(code, 0, stderr)
  })
  afterEach(() => disk.remove())

  const env = () => ({ KISS_CACHE_DIR: join(disk.path, 'cache') })
  const run = (args: readonly string[]): Promise<Ran> => cli.sandbox.run(args, { env: env() })

  it('is purged although not a byte is free', async () => {
    disk.fill()
    const purged = await run(['purge', '--all', '--yes', '--json'])
    assert.equal(purged.code, 0, purged.stderr)
    assert.deepEqual(JSON.parse(purged.stdout), { removed: 2, bytes: 2 * MIB, dryRun: false })
    assert.equal((await run(['fetch', '-o', join(cli.sandbox.cwd, 'a'), cli.origin.url('/a')])).code, 0)
  })

  it('is served although not a byte is free, and evicts for what is new', async () => {
    disk.fill()
    cli.origin.serve('/c', { body: bytes('c', MIB), etag: '"c"' })
    const running = cli.sandbox.startServer(['--port', '0', '--allow-upstream', '127.0.0.1'], { env: env() })
    const server = await listening(running)
    for (const name of ['b', 'c', 'c']) {
      const answer = await fetch(`${server}api/v1/fetch?url=${encodeURIComponent(cli.origin.url(`/${name}`))}`)
      assert.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes(name, MIB)), name)
    }
    running.child.kill('SIGTERM')
    assert.equal((await running.ended).code, 0)
    assert.equal(cli.origin.log('/c').length, 1)
  })

  it('says that the disk is full where there is nothing to evict', async () => {
    assert.equal((await run(['purge', '--all', '--yes'])).code, 0)
    disk.fill()
    for (const attempt of [1, 2, 3]) {
      const { code, stderr } = await run(['fetch', '-o', join(cli.sandbox.cwd, 'x'), cli.origin.url('/a')])
      assert.equal(code, 6, `${attempt}: ${stderr}`)
      assert.match(stderr, /the disk of .*cache (is full|has room for)/)
    }
    const list = await run(['list', '--json'])
    assert.ok(list.code === 0 || /the disk of .* is full/.test(list.stderr), list.stderr)
  })

  it('serves hits, list, stats and paths when it cannot be written, and says so where it must write', async () => {
    disk.setReadOnly(true)
    const [offline, hit, path] = [
      await run(['fetch', '--offline', '--json', '-o', join(cli.sandbox.cwd, 'x'), cli.origin.url('/a')]),
      await run(['fetch', '--json', '-o', join(cli.sandbox.cwd, 'y'), cli.origin.url('/b')]),
      await run(['fetch', '--path', cli.origin.url('/a')]),
    ]
    for (const { code, stdout, stderr } of [offline, hit]) {
      assert.equal(code, 0, stderr)
      assert.equal((JSON.parse(stdout) as { results: { status: string }[] }).results[0]?.status, 'hit')
    }
    assert.equal(path.code, 0, path.stderr)
    assert.ok(path.stdout.startsWith(join(disk.path, 'cache', 'blobs')))
    const list = await run(['list', '--json'])
    assert.equal((JSON.parse(list.stdout) as { entries: unknown[] }).entries.length, 2, list.stderr)
    assert.equal((await run(['stats', '--json'])).code, 0)
    cli.origin.serve('/new', { body: bytes('new', 10) })
    for (const args of [
      ['fetch', '-o', join(cli.sandbox.cwd, 'z'), cli.origin.url('/new')],
      ['purge', '--all', '--yes'],
      ['purge', '--set-quota', '1GiB'],
      ['verify'],
    ]) {
      const { code, stderr } = await run(args)
      assert.equal(code, 6, stderr)
      assert.match(stderr, /the cache directory .* is read-only/, args[0])
    }
    disk.setReadOnly(false)
  })

  it('serves hits although files can only be read, which an ext4 with an error does not show', async () => {
    const cacheDir = join(disk.path, 'cache')
    const thaw = ['VERSION', 'index.sqlite'].map((name) => disk.freeze(join(cacheDir, name)))
    try {
      const list = await run(['list', '--json'])
      assert.equal(list.code, 0, list.stderr)
      assert.equal((JSON.parse(list.stdout) as { entries: unknown[] }).entries.length, 2)
      const { code, stderr } = await run(['verify'])
      assert.equal(code, 6, stderr)
      assert.match(stderr, /the cache directory .* is read-only/)
    } finally {
      for (const each of thaw) each()
    }
  })

  it('is opened after a boot although the directory of temporary files is full and the index is large', async () => {
    const cacheDir = cli.sandbox.cacheDir
    assert.equal((await cli.sandbox.run(['list'])).code, 0)
    const index = await connect(join(cacheDir, 'index.sqlite'), 1_000)
    await index.query(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 60000)
      INSERT INTO entries SELECT printf('%064x', n),
        json_object('value', json_object('sha256', printf('%064x', n), 'size', 1, 'lastUsedAt', n)) FROM numbers`)
    await index.close()
    disk.fill()
    // SQLite reads the variable once in a process.
    const { code, stderr } = await cli.sandbox.start(['stats'], { env: { TMPDIR: disk.path } }).ended
    assert.equal(code, 0, stderr)
  })

  describe('that is read-only', () => {
    let small: Tmpfs
    beforeEach(() => {
      small = mountTmpfs(64 * 1024)!
    })
    afterEach(() => {
      disk.setReadOnly(false)
      small.remove()
    })
    const list = (): Promise<Ran> => cli.sandbox.run(['list', '--json'], { env: { ...env(), TMPDIR: small.path } })

    it('serves although the directory of temporary files has no room for a copy of the index', async () => {
      disk.setReadOnly(true)
      const { code, stdout, stderr } = await list()
      assert.equal(code, 0, stderr)
      assert.equal((JSON.parse(stdout) as { entries: unknown[] }).entries.length, 2)
      assert.deepEqual(readdirSync(small.path), [])
    })

    it('leaves no copy of an index that cannot be used', async () => {
      const index = openSync(join(disk.path, 'cache', 'index.sqlite'), 'r+')
      // The user version of SQLite's file format.
      writeSync(index, Buffer.of(0, 0, 0, 99), 0, 4, 60)
      closeSync(index)
      disk.setReadOnly(true)
      const { code, stderr } = await cli.sandbox.run(['list'], { env: { ...env(), TMPDIR: cli.sandbox.cwd } })
      assert.equal(code, 2)
      assert.match(stderr, /has version 99/)
      assert.deepEqual(readdirSync(cli.sandbox.cwd).sort(), ['a', 'b'])
    })
  })
})
