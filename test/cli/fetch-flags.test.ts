import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Serving } from '../support/serving.js'
import { commandLine } from '../support/command-line.js'
import { bytes, Origin, sha256 } from '../support/origin.js'
import { makeCertificates } from '../support/tls.js'

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`

describe('flags of kiss fetch', () => {
  const body = bytes('flags', 50_000)
  const cli = commandLine()
  let url: string
  beforeEach(() => {
    cli.origin.serve('/a/Image.gz', { body, etag: '"1"' })
    url = cli.origin.url('/a/Image.gz')
  })
  const saved = (name: string): string => path.join(cli.sandbox.cwd, name)
  const files = (): string[] => readdirSync(cli.sandbox.cwd).sort()
  const loud = { env: { KISS_NO_PROGRESS: undefined } }

  describe('-v', () => {
    it('tells the decision, each request with its headers, and each answer, with credentials hidden', async () => {
      cli.origin.script('/moved', [{ redirect: '/a/Image.gz?token=hush' }])
      const asked = cli.origin.url('/moved').replace('//', '//me:hush@')
      const { code, stderr } = await cli.sandbox.run(['fetch', '-v', '-H', 'Private-Token: hush', '-o', 'x', asked])
      assert.equal(code, 0)
      const shown = stderr.split('\n')
      for (const line of [
        `* ${cli.origin.url('/moved')}: not in the cache`,
        `> GET ${cli.origin.url('/moved')}`,
        '>   authorization: (hidden)',
        '>   private-token: (hidden)',
        `< 302 from ${cli.origin.url('/moved')} to ${url}?…`,
        `> GET ${url}?…`,
        `< 200 from ${url}?…`,
        '<   etag: "1"',
        '<   content-length: 50000',
      ])
        assert.ok(shown.includes(line), `${line}\n${stderr}`)
      assert.equal(stderr.includes('hush'), false, stderr)
    })

    it('tells each attempt, and how the answer continues what is here', async () => {
      cli.origin.script('/cut', [{ body, etag: '"1"', cut: { after: 20_000, by: 'fin' } }, {}])
      const { code, stderr } = await cli.sandbox.run(['fetch', '-v', cli.origin.url('/cut')])
      assert.equal(code, 0)
      assert.match(stderr, /^\* http:\S+\/cut: retry 1 in [\d.]+ s: .+$/m)
      assert.match(stderr, /^> {3}range: bytes=\d+-$/m)
      assert.match(stderr, /^\* http:\S+\/cut: the answer continues the bytes that are here$/m)
    })

    it('tells what a server answers, and that another one does not answer', async () => {
      const kiss = await Serving.start(cli.sandbox, ['--allow-upstream', '127.0.0.1'])
      try {
        const { stderr } = await cli.sandbox.run(['fetch', '-v', '--server', kiss.url, url])
        assert.match(stderr, /^> GET http:\/\/127\.0\.0\.1:\d+\/api\/v1\/fetch\/Image\.gz\?…$/m)
        assert.match(stderr, /^< {3}cache-status: kiss; fwd=uri-miss/m)
      } finally {
        await kiss.stop()
      }
      const { stderr } = await cli.sandbox.run(['fetch', '-v', '--server', kiss.url, '-o', 'again', url])
      assert.match(stderr, /^\* no answer from .*ECONNREFUSED/m)
    })

    it('tells which headers stay behind at another origin, and what a hit is', async () => {
      const other = await Origin.start()
      try {
        other.serve('/there', { body })
        cli.origin.script('/away', [{ redirect: other.url('/there') }])
        const away = cli.origin.url('/away')
        const { stderr } = await cli.sandbox.run(['fetch', '-v', '-H', 'Private-Token: hush', '-o', 'x', away])
        assert.ok(stderr.includes(`* ${other.url('/there')} is another origin, which gets no private-token`), stderr)
        await cli.sandbox.run(['fetch', url])
        const again = await cli.sandbox.run(['fetch', '-v', url])
        assert.match(again.stderr, /^\* http:\S+Image\.gz: in the cache, stored at \S+Z, fresh for 10d$/m)
        assert.equal(again.stderr.includes('> GET'), false)
      } finally {
        await other.close()
      }
    })
  })

  it('--user sends a name and a password, and is refused in another form or beside a header', async () => {
    cli.origin.script('/private', [{ body, status: 200 }])
    assert.equal((await cli.sandbox.run(['fetch', '-u', 'me:pass:word', cli.origin.url('/private')])).code, 0)
    assert.equal(cli.origin.log('/private')[0]?.headers.authorization, basic('me:pass:word'))
    for (const flags of [
      ['--user', 'hush'],
      ['--user', 'me:hush', '-H', 'Authorization: Bearer hush'],
    ]) {
      const { code, stderr } = await cli.sandbox.run(['fetch', ...flags, url])
      assert.equal(code, 2)
      assert.equal(stderr.includes('hush'), false)
    }
  })

  it('takes logins from .netrc for their host alone, unless --no-netrc says otherwise', async () => {
    const other = await Origin.start()
    try {
      writeFileSync(
        path.join(cli.sandbox.home, '.netrc'),
        'machine 127.0.0.1 login me password secret\ndefault login any password thing\n',
      )
      const elsewhere = other.url('/b', 'localhost')
      cli.origin.script('/moved', [{ redirect: elsewhere }])
      other.serve('/b', { body })
      const asked = [url, cli.origin.url('/moved'), elsewhere]
      assert.equal((await cli.sandbox.run(['fetch', '-d', 'x', ...asked])).code, 0)
      assert.equal(cli.origin.log('/a/Image.gz')[0]?.headers.authorization, basic('me:secret'))
      assert.deepEqual(
        other.log('/b').map(({ headers }) => headers.authorization),
        [undefined, undefined],
      )
      assert.equal((await cli.sandbox.run(['fetch', '--no-netrc', '--refresh', url])).code, 0)
      assert.equal(cli.origin.log('/a/Image.gz').at(-1)?.headers.authorization, undefined)
      // A credential of the command line counts more, and an entry stays readable offline.
      await cli.sandbox.run(['fetch', '--refresh', '-u', 'you:own', url])
      assert.equal(cli.origin.log('/a/Image.gz').at(-1)?.headers.authorization, basic('you:own'))
      assert.equal((await cli.sandbox.run(['fetch', '--offline', url])).code, 0)
    } finally {
      await other.close()
    }
  })

  it('reads the file that NETRC names, and says so where that cannot be read', async () => {
    writeFileSync(saved('logins'), 'machine 127.0.0.1\n  login me\n  password "quoted word"\n')
    await cli.sandbox.run(['fetch', url], { env: { NETRC: saved('logins') } })
    assert.equal(cli.origin.log('/a/Image.gz')[0]?.headers.authorization, basic('me:quoted word'))
    const { code, stderr } = await cli.sandbox.run(['fetch', url], { env: { NETRC: '/none' } })
    assert.deepEqual([code, stderr], [2, 'kiss: cannot read /none: ENOENT; use --no-netrc to do without it\n'])
  })

  it('-J saves under the name of Content-Disposition, from the cache too, and replaces no file', async () => {
    const extra = { 'content-disposition': `attachment; filename="old.bin"; filename*=UTF-8''..%2F.r%C3%A9sum%C3%A9` }
    cli.origin.serve('/download', { body, extra })
    const asked = cli.origin.url('/download')
    assert.equal((await cli.sandbox.run(['fetch', '-J', asked])).code, 0)
    assert.deepEqual(files(), ['_résumé'])
    const second = await cli.sandbox.run(['fetch', '-J', asked])
    assert.equal(second.code, 2)
    assert.match(second.stderr, /_résumé is there already; remove it/)
    assert.equal((await cli.sandbox.run(['fetch', '-J', '--no-clobber', asked])).code, 0)
    assert.equal((await cli.sandbox.run(['fetch', '-J', '-d', 'new', asked, url])).code, 0)
    assert.deepEqual(readdirSync(saved('new')).sort(), ['Image.gz', '_résumé'])
    assert.equal(cli.origin.log('/download').length, 1)
  })

  it('--no-clobber leaves a file alone and asks nobody', async () => {
    writeFileSync(saved('Image.gz'), 'mine')
    const { code, stdout } = await cli.sandbox.run(['fetch', '--no-clobber', url])
    assert.equal(code, 0)
    assert.match(stdout, /^kept +4 B .* Image\.gz\n$/)
    assert.equal(readFileSync(saved('Image.gz'), 'utf8'), 'mine')
    assert.equal(cli.origin.requests.length, 0)
    const json = await cli.sandbox.run(['fetch', '--no-clobber', '--json', url])
    const [result] = (JSON.parse(json.stdout) as { results: { kept?: boolean; status: string | null }[] }).results
    assert.deepEqual([result?.kept, result?.status], [true, null])
  })

  it('--no-clobber keeps a file only if its sum is the one of --sha256', async () => {
    writeFileSync(saved('Image.gz'), 'mine')
    const args = ['fetch', '--no-clobber', '--json', url, '--sha256']
    const other = await cli.sandbox.run([...args, sha256(body)])
    const { error } = JSON.parse(other.stdout) as { error?: { code: string; message: string } }
    assert.deepEqual([other.code, error?.code], [5, 'digest-mismatch'])
    assert.match(error?.message ?? '', /Image\.gz is there already, and its SHA-256 is [0-9a-f]{64}, not/)
    assert.equal(readFileSync(saved('Image.gz'), 'utf8'), 'mine')
    const kept = await cli.sandbox.run([...args, sha256(Buffer.from('mine'))])
    const [result] = (JSON.parse(kept.stdout) as { results: { kept?: boolean; sha256: string | null }[] }).results
    assert.deepEqual([kept.code, result?.kept, result?.sha256], [0, true, sha256(Buffer.from('mine'))])
    assert.equal(cli.origin.requests.length, 0)
  })

  it('--output-mtime dates the file by Last-Modified, of a hit as of a miss', async () => {
    const date = 'Tue, 01 Oct 2024 10:00:00 GMT'
    cli.origin.serve('/dated', { body, lastModified: date })
    for (const name of ['miss', 'hit']) {
      await cli.sandbox.run(['fetch', '--output-mtime', '-o', name, cli.origin.url('/dated')])
      assert.equal(statSync(saved(name)).mtimeMs, Date.parse(date))
    }
    await cli.sandbox.run(['fetch', '-o', 'now', cli.origin.url('/dated')])
    assert.notEqual(statSync(saved('now')).mtimeMs, Date.parse(date))
  })

  it('-i takes a name after a tab, below the directory alone', async () => {
    mkdirSync(saved('out'))
    const list = `${url}\tkernel/Image-6.1.gz\n${cli.origin.url('/a/Image.gz?x')}\t a name \n`
    const { code } = await cli.sandbox.run(['fetch', '-i', '-', '-d', 'out'], { input: list })
    assert.equal(code, 0)
    assert.deepEqual(readdirSync(saved('out')).sort(), ['a name', 'kernel'])
    assert.ok(existsSync(saved('out/kernel/Image-6.1.gz')))
    for (const name of ['../up', '/abs', '.', 'a//b', '']) {
      const wrong = await cli.sandbox.run(['fetch', '-i', '-'], { input: `${url}\t${name || '\u0001'}\n` })
      assert.equal(wrong.code, 2, name)
    }
    const aria2 = await cli.sandbox.run(['fetch', '-i', '-'], { input: `${url}\n  out=x\n` })
    assert.match(
      aria2.stderr,
      /^kiss: standard input:2: out= is the form of aria2; write URL, tab and name on one line\n$/,
    )
  })

  it('--limit-rate slows a download down', async () => {
    const { code, stdout } = await cli.sandbox.run(['fetch', '--json', '--limit-rate', '25K', url])
    assert.equal(code, 0)
    const [result] = (JSON.parse(stdout) as { results: { seconds: number }[] }).results
    assert.ok(result!.seconds >= 0.9, stdout)
  })

  it('takes the flags that users of curl type for what kiss does already', async () => {
    cli.origin.script('/moved/Image.gz', [{ redirect: '/a/Image.gz' }])
    const flags = ['-fsSL', '-O', '-C', '-', '--retry-for', '5s', '--stall-timeout', '2s']
    const { code, stderr } = await cli.sandbox.run(['fetch', ...flags, cli.origin.url('/moved/Image.gz')], loud)
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(readFileSync(saved('Image.gz')), body)
  })

  it('gives up after --retry-for, and asks again after --stall-timeout', async () => {
    cli.origin.script('/never', [{ status: 503 }])
    const never = await cli.sandbox.run(['fetch', '--retry-for', '1s', cli.origin.url('/never')])
    assert.equal(never.code, 4)
    assert.match(never.stderr, /gave up after \d attempts/)
    cli.origin.script('/stalls', [{ body, etag: '"1"', stall: { after: 10_000 } }, {}])
    const stalls = await cli.sandbox.run(['fetch', '--stall-timeout', '300ms', cli.origin.url('/stalls')])
    assert.equal(stalls.code, 0)
    // A pause of the machine makes it more than two.
    assert.ok(cli.origin.log('/stalls').length >= 2)
  })

  it('trusts the certificate of --cacert, as of --ca-file', async () => {
    const tls = await makeCertificates()
    const secure = await Origin.start({ tls })
    try {
      secure.serve('/s', { body })
      const refused = await cli.sandbox.run(['fetch', secure.url('/s', 'localhost')])
      assert.equal(refused.code, 4)
      for (const flag of ['--cacert', '--ca-file']) {
        const { code, stderr } = await cli.sandbox.run(['fetch', flag, tls.caFile, secure.url('/s', 'localhost')])
        assert.deepEqual([code, stderr], [0, ''])
      }
    } finally {
      await secure.close()
      await tls.remove()
    }
  })
})
