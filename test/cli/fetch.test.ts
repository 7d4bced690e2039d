import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { execFile, execFileSync } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Ran } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'
import { bytes, latch, Origin, sha256 } from '../support/origin.js'
import { Serving } from '../support/serving.js'

interface Report {
  readonly results: readonly {
    readonly url: string
    readonly status: string | null
    readonly size: number | null
    readonly sha256: string | null
    readonly path: string | null
    readonly output: string | null
    readonly seconds: number
    readonly error?: { readonly code: string; readonly message: string }
  }[]
  readonly error?: { readonly code: string; readonly message: string }
}

function reportOf({ stdout }: Ran): Report {
  return JSON.parse(stdout) as Report
}

describe('kiss fetch', () => {
  const body = bytes('fetch', 300_000)
  const cli = commandLine()
  beforeEach(() => {
    cli.origin.serve('/a/Image.gz', { body, etag: '"1"' })
  })
  const saved = (name: string): string => path.join(cli.sandbox.cwd, name)
  const files = (): string[] => readdirSync(cli.sandbox.cwd).sort()

  it('saves under the name in the URL, and asks the origin once', async () => {
    const url = cli.origin.url('/a/Image.gz')
    const first = await cli.sandbox.run(['fetch', url])
    assert.deepEqual([first.code, first.stderr], [0, ''])
    assert.match(first.stdout, /^miss +293 KiB .* Image\.gz\n$/)
    assert.deepEqual(readFileSync(saved('Image.gz')), body)
    const second = await cli.sandbox.run(['fetch', url, '--json'])
    const { results } = reportOf(second)
    assert.deepEqual([second.code, second.stderr, results.length], [0, '', 1])
    const { seconds, ...result } = results[0]!
    assert.deepEqual(result, {
      url,
      status: 'hit',
      size: body.length,
      sha256: sha256(body),
      path: path.join(cli.sandbox.cacheDir, 'blobs', sha256(body).slice(0, 2), sha256(body)),
      output: saved('Image.gz'),
    })
    assert.ok(seconds >= 0)
    assert.equal(cli.origin.log('/a/Image.gz').length, 1)
    assert.deepEqual(files(), ['Image.gz'])
  })

  for (const server of [false, true]) {
    it(`saves a sign-in page that came for an artifact${server ? ' through a server' : ''}, and says so on stderr`, async () => {
      const page = '<html>sign in</html>'
      cli.origin.script('/a/Image.gz', [{ redirect: '/login' }])
      cli.origin.serve('/login', { body: Buffer.from(page), type: 'text/html', extra: { 'cache-control': 'no-store' } })
      const kiss = server ? await Serving.start(cli.sandbox, ['--allow-upstream', '127.0.0.0/8']) : undefined
      const args = ['fetch', cli.origin.url('/a/Image.gz'), ...(kiss ? ['--server', kiss.url] : [])]
      const { code, stderr } = await cli.sandbox.run(args)
      await kiss?.stop()
      assert.equal(code, 0)
      assert.match(stderr, /^kiss: http:\S+\/a\/Image\.gz: .*text\/html.*sign-in page.*not kept/)
      assert.equal(readFileSync(saved('Image.gz'), 'utf8'), page)
      assert.equal((await cli.sandbox.run(['list'])).stdout.includes('Image.gz'), false)
    })
  }

  it('says nothing of its own to many downloads at once', async () => {
    const gate = latch()
    const names = Array.from({ length: 30 }, (_, index) => `/many/${index}`)
    for (const name of names) cli.origin.script(name, [{ body, stall: { after: 1000, until: gate.opened } }])
    const all = cli.sandbox.run(['fetch', '--parallel', '30', ...names.map((name) => cli.origin.url(name))])
    await cli.origin.requested(names[0]!)
    gate.open()
    const { code, stderr } = await all
    assert.deepEqual([code, stderr], [0, ''])
  })

  it('makes a file of its own with the usual mode: writing to it leaves the cache alone', async () => {
    const url = cli.origin.url('/a/Image.gz')
    await cli.sandbox.run(['fetch', url])
    writeFileSync(saved('plain'), '')
    assert.equal(statSync(saved('Image.gz')).mode, statSync(saved('plain')).mode)
    assert.equal(statSync(saved('Image.gz')).nlink, 1)
    writeFileSync(saved('Image.gz'), 'spoiled')
    const { code, stdout } = await cli.sandbox.run(['fetch', '-o', '-', url])
    assert.equal(code, 0)
    assert.equal(Buffer.byteLength(stdout, 'latin1') > 0, true)
    assert.equal((await cli.sandbox.run(['verify'])).code, 0)
    await cli.sandbox.run(['fetch', url])
    assert.deepEqual(readFileSync(saved('Image.gz')), body)
  })

  it('streams to standard output while the bytes arrive', async () => {
    const gate = latch()
    cli.origin.script('/slow', [{ body: Buffer.from('first second'), stall: { after: 5, until: gate.opened } }])
    const { child, ended } = cli.sandbox.start(['fetch', '-o', '-', cli.origin.url('/slow')])
    await new Promise<void>((resolve) => {
      let seen = ''
      child.stdout.on('data', (text: string) => {
        seen += text
        if (seen === 'first') resolve()
      })
    })
    gate.open()
    const { code, stdout, stderr } = await ended
    assert.deepEqual([code, stdout, stderr], [0, 'first second', ''])
  })

  it('takes -o, -d and --path', async () => {
    const url = cli.origin.url('/a/Image.gz')
    assert.equal((await cli.sandbox.run(['fetch', '-o', 'x', url])).code, 0)
    assert.equal((await cli.sandbox.run(['fetch', '-d', 'new/folder', url])).code, 0)
    assert.deepEqual(readFileSync(saved('x')), body)
    assert.deepEqual(readFileSync(saved('new/folder/Image.gz')), body)
    const { code, stdout } = await cli.sandbox.run(['fetch', '--path', url])
    assert.equal(code, 0)
    assert.deepEqual(readFileSync(stdout.trimEnd()), body)
    assert.deepEqual(files(), ['new', 'x'])
  })

  it('writes to a pipe or a device as it is, and never puts a file in its place', async () => {
    const { code } = await cli.sandbox.run(['fetch', '-o', '/dev/null', cli.origin.url('/a/Image.gz')])
    assert.equal(code, 0)
    assert.equal(statSync('/dev/null').isCharacterDevice(), true)
    const pipe = saved('pipe')
    execFileSync('mkfifo', [pipe])
    const reading = promisify(execFile)('cat', [pipe], { encoding: 'buffer', maxBuffer: 2 * body.length })
    assert.equal((await cli.sandbox.run(['fetch', '-o', 'pipe', cli.origin.url('/a/Image.gz')])).code, 0)
    assert.deepEqual((await reading).stdout, body)
    assert.equal(statSync(pipe).isFIFO(), true)
  })

  it('reads URLs from a file and from standard input', async () => {
    cli.origin.serve('/b', { body: Buffer.from('b') })
    writeFileSync(saved('list'), `# two\n${cli.origin.url('/a/Image.gz')}\n\n`)
    const file = await cli.sandbox.run(['fetch', '-i', 'list', cli.origin.url('/b'), '--json'])
    assert.deepEqual(
      [file.code, reportOf(file).results.map(({ output }) => output)],
      [0, [saved('b'), saved('Image.gz')]],
    )
    const stdin = await cli.sandbox.run(['fetch', '-i', '-', '--json'], { input: `${cli.origin.url('/b')}\n` })
    assert.deepEqual([stdin.code, reportOf(stdin).results[0]?.status], [0, 'hit'])
  })

  it('refuses two URLs with one name before anything starts', async () => {
    const { code, stderr } = await cli.sandbox.run(['fetch', cli.origin.url('/a/x'), cli.origin.url('/b/x')])
    assert.equal(code, 2)
    assert.match(stderr, /would both be saved as/)
    assert.equal(cli.origin.requests.length, 0)
  })

  it('refuses what it could not write before anything starts', async () => {
    mkdirSync(saved('Image.gz'))
    const url = cli.origin.url('/a/Image.gz')
    const directory = await cli.sandbox.run(['fetch', url])
    assert.deepEqual(
      [directory.code, directory.stderr],
      [2, `kiss: cannot write ${saved('Image.gz')}: it is a directory; use --directory\n`],
    )
    const missing = await cli.sandbox.run(['fetch', '-o', 'no/such/file', url])
    assert.equal(missing.code, 2)
    assert.match(missing.stderr, /no\/such is no directory/)
    assert.equal(cli.origin.requests.length, 0)
  })

  it('passes headers on, and shows them nowhere', async () => {
    cli.origin.serve('/private', { body, requires: { 'private-token': 'secret1' } })
    const url = cli.origin.url('/private').replace('http://', 'http://user:secret2@') + '?token=secret3'
    const { code, stdout, stderr } = await cli.sandbox.run(['fetch', '-H', 'PRIVATE-TOKEN: secret1', url, '--json'])
    assert.equal(code, 0, stderr)
    assert.doesNotMatch(stdout + stderr, /secret\d/)
    const refused = await cli.sandbox.run(['fetch', '-H', 'PRIVATE-TOKEN: secret4', `${url}&x=1`])
    assert.equal(refused.code, 3)
    assert.doesNotMatch(refused.stdout + refused.stderr, /secret\d/)
  })

  it('exits 3 when the origin says no, and leaves nothing behind', async () => {
    cli.origin.script('/gone', [{ status: 404 }])
    const plain = await cli.sandbox.run(['fetch', cli.origin.url('/gone')])
    assert.deepEqual([plain.code, plain.stdout], [3, ''])
    assert.match(plain.stderr, /^kiss: .*\/gone.*404.*\n$/)
    const json = await cli.sandbox.run(['fetch', cli.origin.url('/gone'), '--json'])
    assert.deepEqual([json.code, json.stderr], [3, ''])
    const { results, error } = reportOf(json)
    assert.equal(error?.code, 'origin-refused')
    assert.deepEqual(results[0]?.error, error)
    assert.deepEqual(files(), [])
  })

  it('exits 4 when the origin cannot be reached, offline without an entry, and out of time', async () => {
    cli.origin.script('/hang', [{ body, stall: { after: 10 } }])
    const late = await cli.sandbox.run(['fetch', '--max-time', '300ms', cli.origin.url('/hang')])
    assert.equal(late.code, 4)
    assert.match(late.stderr, /^kiss: not done within 300ms(: the origin has not answered yet)?; raise --max-time\n$/)
    const offline = await cli.sandbox.run(['fetch', '--offline', cli.origin.url('/other')])
    assert.equal(offline.code, 4)
    assert.match(offline.stderr, /run it without --offline once/)
    assert.equal(cli.origin.log('/other').length, 0)
    const gone = await Origin.start()
    const nobody = gone.url('/a')
    await gone.close()
    const down = await cli.sandbox.run(['fetch', nobody], { env: { KISS_RETRY_FOR: '0s' } })
    assert.equal(down.code, 4, down.stderr)
    assert.deepEqual(files(), [])
  })

  it('exits 5 when the bytes are not the promised ones', async () => {
    const { code, stderr } = await cli.sandbox.run(['fetch', '--sha256', '0'.repeat(64), cli.origin.url('/a/Image.gz')])
    assert.equal(code, 5, stderr)
    assert.deepEqual(files(), [])
    assert.equal(
      (await cli.sandbox.run(['fetch', '--sha256', sha256(body).toUpperCase(), cli.origin.url('/a/Image.gz')])).code,
      0,
    )
  })

  it('exits 6 when the artifact is larger than the quota, and when the output cannot be written', async () => {
    const { code, stderr } = await cli.sandbox.run(['fetch', '--quota', '1KiB', cli.origin.url('/a/Image.gz')])
    assert.equal(code, 6, stderr)
    if (process.getuid?.() === 0) return
    chmodSync(cli.sandbox.cwd, 0o555)
    assert.equal((await cli.sandbox.run(['fetch', '--quota', '1GiB', cli.origin.url('/a/Image.gz')])).code, 6)
  })

  it('exits with the first failure in the order of the arguments, and fetches the rest', async () => {
    const gate = latch()
    cli.origin.script('/slow404', [{ status: 404, hold: gate.opened }])
    cli.origin.script('/ok', [{ body }])
    const promised = cli.sandbox.run([
      'fetch',
      cli.origin.url('/slow404'),
      'nothing://x/bad',
      cli.origin.url('/ok'),
      '--json',
    ])
    await cli.origin.answered('/ok')
    gate.open()
    const ran = await promised
    const { results, error } = reportOf(ran)
    assert.deepEqual([ran.code, error?.code], [3, 'origin-refused'])
    assert.deepEqual(
      results.map((result) => result.error?.code ?? result.status),
      ['origin-refused', 'unsupported-scheme', 'miss'],
    )
    assert.deepEqual(files(), ['ok'])
  })

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    it(`exits ${code} on ${signal}, with no half a file, and the next one continues`, async () => {
      const gate = latch()
      cli.origin.script('/big', [{ body, etag: '"big"', stall: { after: 100_000, until: gate.opened } }])
      const { child, ended } = cli.sandbox.start(['fetch', cli.origin.url('/big')])
      await cli.origin.requested('/big')
      child.kill(signal)
      const ran = await ended
      assert.deepEqual([ran.code, ran.stdout, ran.stderr], [code, '', `kiss: interrupted by ${signal}\n`])
      assert.deepEqual(files(), [])
      gate.open()
      assert.equal((await cli.sandbox.run(['fetch', cli.origin.url('/big')])).code, 0)
      assert.deepEqual(readFileSync(saved('big')), body)
    })
  }

  it('is quiet when the reader of its output leaves', async () => {
    const { child, ended } = cli.sandbox.start(['fetch', '-o', '-', cli.origin.url('/a/Image.gz')])
    child.stdout.once('data', () => child.stdout.destroy())
    const { code, stderr } = await ended
    assert.deepEqual([code, stderr], [0, ''])
  })

  it('takes every flag from the environment too', async () => {
    const env = { KISS_DIRECTORY: 'there', KISS_TTL: '1h', KISS_HEADER: 'PRIVATE-TOKEN: t' }
    assert.equal((await cli.sandbox.run(['fetch', cli.origin.url('/a/Image.gz')], { env })).code, 0)
    assert.equal(existsSync(saved('there/Image.gz')), true)
    assert.equal(cli.origin.log('/a/Image.gz')[0]?.headers['private-token'], 't')
  })

  it('shows no bars where stderr is no terminal', async () => {
    const { stderr } = await cli.sandbox.run(['fetch', cli.origin.url('/a/Image.gz')])
    assert.equal(stderr, '')
  })
})
