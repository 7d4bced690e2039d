import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from 'node:fs'
import { statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { commandLine } from '../support/command-line.js'
import { bytes, sha256 } from '../support/origin.js'
import { Serving } from '../support/serving.js'
import { until } from '../support/until.js'

describe('kiss bundle', () => {
  const body = bytes('bundle', 300_000)
  const cli = commandLine()
  let urls: string[]
  beforeEach(async () => {
    cli.origin.serve('/a.img', { body, etag: '"1"', type: 'application/x-test' })
    cli.origin.serve('/b.img', { body })
    cli.origin.serve('/c.img', { body: bytes('c', 1000) })
    cli.origin.serve('/secret', { body: bytes('secret', 1000) })
    urls = ['/a.img', '/b.img?x=1', '/c.img'].map((name) => cli.origin.url(name))
    await cli.sandbox.run(['fetch', '-d', 'files', ...urls])
    await cli.sandbox.run(['fetch', '-o', 'x', '-u', 'me:hush', cli.origin.url('/secret')])
  })
  const other = (): string => path.join(cli.sandbox.root, 'other')
  const run = (...args: string[]) => cli.sandbox.run(args)
  const elsewhere = (...args: string[]) => cli.sandbox.run(args, { env: { KISS_CACHE_DIR: other() } })
  const count = async (): Promise<number> =>
    (JSON.parse((await elsewhere('list', '--json')).stdout) as { entries: unknown[] }).entries.length

  it('carries entries with bodies, sums and headers to a sealed server, which contacts no origin', async () => {
    const made = await run('bundle', 'create', 'all.tar')
    assert.deepEqual(
      [made.code, made.stdout],
      [0, '3 entries, 587 KiB; 294 KiB on the disk, because entries with the same content share it\n'],
    )
    assert.equal(made.stderr, 'kiss: 1 left out, which came with a credential\n')
    // Any tar reads it, and no body is there twice.
    const members = execFileSync('tar', ['tf', 'all.tar'], { cwd: cli.sandbox.cwd, encoding: 'utf8' })
      .trim()
      .split('\n')
    assert.deepEqual(
      [members[0], members.slice(1).sort()],
      ['kiss-bundle.json', [`blobs/${sha256(body)}`, `blobs/${sha256(bytes('c', 1000))}`].sort()],
    )
    const loaded = await elsewhere('bundle', 'load', 'all.tar')
    assert.deepEqual([loaded.code, loaded.stdout, loaded.stderr], [0, made.stdout, ''])
    assert.match((await elsewhere('bundle', 'load', 'all.tar')).stdout, /; 3 were here already\n$/)
    assert.equal((await elsewhere('verify')).stdout, 'checked 2 blobs\n')

    const asked = cli.origin.requests.length
    const sandbox = cli.sandbox
    const kiss = await Serving.start(sandbox, ['--sealed', '--cache-dir', other(), '--allow-upstream', '127.0.0.0/8'])
    try {
      const got = await kiss.fetch(urls[0]!)
      assert.deepEqual([got.status, got.body.equals(body)], [200, true])
      assert.equal(got.headers['content-type'], 'application/x-test')
      assert.equal((await kiss.fetch(urls[1]!)).status, 200)
      const refreshed = await kiss.fetch(urls[2]!, { headers: { 'cache-control': 'no-cache' } })
      assert.equal(refreshed.status, 200)
      for (const name of ['/secret', '/new', '/a.img?other']) {
        const missing = await kiss.fetch(cli.origin.url(name))
        assert.equal(missing.status, 404)
        assert.equal(missing.headers['cache-status'], 'kiss; detail=sealed')
        assert.equal((JSON.parse(missing.text) as { code: string }).code, 'sealed')
      }
      assert.equal(cli.origin.requests.length, asked)
    } finally {
      await kiss.stop()
    }
  })

  it('can be interrupted while the pipe has no reader, or one that does not read', async () => {
    const pipe = path.join(cli.sandbox.cwd, 'pipe')
    execFileSync('mkfifo', [pipe])
    const alone = cli.sandbox.start(['bundle', 'create', 'pipe'])
    await until('the cache is open', () => openFilesOf(alone.child.pid).some((file) => file.endsWith('index.sqlite')))
    alone.child.kill('SIGINT')
    assert.equal((await alone.ended).code, 130)
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const { child, ended } = cli.sandbox.start(['bundle', 'create', 'pipe'])
      await until('the pipe is open', () => openFilesOf(child.pid).some((file) => file.endsWith('/pipe')))
      child.kill('SIGINT')
      assert.equal((await ended).code, 130)
    } finally {
      closeSync(reader)
    }
  })

  it('is written into a pipe as it is, and to standard output under each name, whose reader may leave', async () => {
    const pipe = path.join(cli.sandbox.cwd, 'pipe')
    execFileSync('mkfifo', [pipe])
    const reading = promisify(execFile)('cat', [pipe], { encoding: 'buffer', maxBuffer: 10_000_000, timeout: 20_000 })
    const [made, read] = await Promise.all([run('bundle', 'create', 'pipe'), reading])
    assert.deepEqual([made.code, statSync(pipe).isFIFO()], [0, true])
    const { child, ended } = cli.sandbox.start(['bundle', 'create', '-'])
    child.stdout.once('readable', () => child.stdout.destroy())
    assert.equal((await ended).code, 0)
    const named = cli.sandbox.start(['bundle', 'create', '/proc/self/fd/1'])
    let bytesRead = 0
    named.child.stdout.on('data', (chunk: Buffer | string) => (bytesRead += chunk.length))
    assert.equal((await named.ended).code, 0)
    assert.ok(read.stdout.length > 290_000 && bytesRead > 0)
    assert.deepEqual(
      readdirSync(cli.sandbox.cwd).filter((name) => name.startsWith('pipe')),
      ['pipe'],
    )
  })

  it('takes URLs, filters and jobs, and streams through a pipe', async () => {
    writeFileSync(
      path.join(cli.sandbox.cwd, 'job.yaml'),
      `actions:\n  - deploy:\n      to: tftp\n      kernel:\n        url: ${urls[2]}\n`,
    )
    for (const choice of [['--job', 'job.yaml'], [urls[2]!], ['--match', '**/c.img']]) {
      assert.equal((await run('bundle', 'create', 'some.tar', ...choice)).stdout, '1 entry, 1000 B\n', choice.join(' '))
    }
    assert.equal((await run('bundle', 'create', 'none.tar', cli.origin.url('/none'))).code, 4)
    const kiss = `'${process.execPath}' '${path.resolve('bin/run.js')}'`
    const env = { PATH: process.env.PATH, HOME: cli.sandbox.home }
    const pipe = `KISS_CACHE_DIR='${cli.sandbox.cacheDir}' ${kiss} bundle create - | KISS_CACHE_DIR='${other()}' ${kiss} bundle load -`
    execFileSync('sh', ['-c', pipe], { cwd: cli.sandbox.cwd, env })
    assert.equal(await count(), 3)
  })

  describe('hostile', () => {
    const sum = sha256(body)
    const cwd = (name: string): string => path.join(cli.sandbox.cwd, name)
    interface Parts {
      readonly manifest?: (entries: Record<string, unknown>[]) => unknown
      readonly change?: (folder: string) => void
      readonly members?: readonly string[]
    }
    /** good.tar, changed. */
    function bundle({ manifest, change, members = ['kiss-bundle.json', `blobs/${sum}`] }: Parts): void {
      const folder = mkdtempSync(cwd('unpacked-'))
      execFileSync('tar', ['xf', cwd('good.tar'), '-C', folder])
      const file = path.join(folder, 'kiss-bundle.json')
      const { entries } = JSON.parse(readFileSync(file, 'utf8')) as { entries: Record<string, unknown>[] }
      if (manifest) writeFileSync(file, JSON.stringify(manifest(entries)))
      change?.(folder)
      execFileSync('tar', ['cPf', cwd('bad.tar'), '-C', folder, ...members])
    }

    const cases: Record<string, [RegExp, Parts]> = {
      'a body with another sum': [
        /the body [0-9a-f]{64} is not what its name says/,
        { change: (folder) => writeFileSync(path.join(folder, 'blobs', sum), Buffer.alloc(body.length)) },
      ],
      'a body of another size': [
        /has 5 bytes, not 300000/,
        { change: (folder) => writeFileSync(path.join(folder, 'blobs', sum), 'short') },
      ],
      'a link in place of a body': [
        /is no plain file/,
        {
          change: (folder) => {
            execFileSync('rm', [path.join(folder, 'blobs', sum)])
            symlinkSync('/etc/passwd', path.join(folder, 'blobs', sum))
          },
        },
      ],
      'a path that leads out': [
        /is not in the manifest/,
        {
          change: (folder) => writeFileSync(path.join(folder, '../evil'), 'x'),
          members: ['kiss-bundle.json', '../evil'],
        },
      ],
      'a body that is missing': [/1 bodies are missing/, { members: ['kiss-bundle.json'] }],
      'a body twice': [
        /comes twice/,
        { members: ['kiss-bundle.json', `blobs/${sum}`, '--hard-dereference', `./blobs/../blobs/${sum}`] },
      ],
      'no manifest': [/comes before kiss-bundle\.json/, { members: [`blobs/${sum}`] }],
      'a manifest that lies': [
        /entry 1 of its manifest has no id of its URL/,
        { manifest: (entries) => ({ version: 1, entries: [{ ...entries[0], url: 'https://other.example/x' }] }) },
      ],
    }
    it('is refused as a whole: nothing is stored, and nothing is left', async () => {
      await run('bundle', 'create', 'good.tar', urls[0]!)
      for (const [what, [message, parts]] of Object.entries(cases)) {
        bundle(parts)
        const { code, stdout, stderr } = await elsewhere('bundle', 'load', 'bad.tar')
        assert.ok(code === 2 || code === 5, `${what}: ${code}: ${stderr}`)
        assert.equal(stdout, '', what)
        assert.match(stderr, message)
        assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
        assert.deepEqual(readdirSync(path.join(other(), 'transfers')), [], what)
      }
      assert.equal(await count(), 0)
    })

    it('refuses what is cut, no tar, or not there', async () => {
      await run('bundle', 'create', 'cut.tar')
      truncateSync(cwd('cut.tar'), 200_000)
      writeFileSync(cwd('text.tar'), 'no tar at all, but long enough to be looked at'.repeat(100))
      writeFileSync(cwd('empty.tar'), '')
      mkdirSync(cwd('folder.tar'))
      for (const name of ['cut', 'text', 'empty', 'folder']) {
        const { code, stderr } = await elsewhere('bundle', 'load', `${name}.tar`)
        assert.ok(code === 2 || code === 5 || code === 6, `${name}: ${code} ${stderr}`)
        assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
      }
      const { code, stderr } = await elsewhere('bundle', 'load', 'missing.tar')
      assert.deepEqual([code, stderr], [2, `kiss: cannot load ${cwd('missing.tar')}: there is no such file\n`])
      assert.equal(await count(), 0)
    })
  })
})

/** The open files of a process. */
function openFilesOf(pid: number | undefined): string[] {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).map((name) => readlinkSync(path.join(folder, name)))
  } catch {
    return []
  }
}
