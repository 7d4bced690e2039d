import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Sandbox, type Ran } from '../../support/cli.js'
import { directory, samples, server } from './samples.js'

const job = 'actions:\n- deploy:\n    to: usb\n    image:\n      url: https://storage.example.com/a.img\n'
const cached = job.replace(
  'https://storage.example.com/a.img',
  `${server}/api/v1/fetch/a.img?url=https%3A%2F%2Fstorage.example.com%2Fa.img`,
)

interface Report {
  readonly jobs: readonly {
    readonly file: string
    readonly changed: boolean
    readonly changes: readonly {
      readonly line: number
      readonly place: string
      readonly from: string
      readonly to: string
    }[]
    readonly left: readonly {
      readonly line: number
      readonly reason: string
      readonly message: string
      readonly warning: boolean
    }[]
    readonly text?: string
    readonly diff?: string
  }[]
}

describe('kiss lava rewrite and restore', () => {
  let sandbox: Sandbox
  beforeEach(() => (sandbox = new Sandbox()))
  afterEach(() => sandbox.remove())

  const file = (name: string): string => path.join(sandbox.cwd, name)
  const read = (name: string): string => readFileSync(file(name), 'utf8')
  const write = (name: string, text = job): void => writeFileSync(file(name), text)
  const lava = (command: string, args: readonly string[], input?: string): Promise<Ran> =>
    sandbox.run(['lava', command, ...args], { env: { KISS_SERVER: server }, ...(input === undefined ? {} : { input }) })
  const rewrite = (...args: string[]): Promise<Ran> => lava('rewrite', args)

  it('print the result and take it back, from a file or standard input', async () => {
    write('job.yaml')
    assert.deepEqual(await rewrite('job.yaml'), { code: 0, signal: null, stdout: cached, stderr: '' })
    assert.equal((await lava('rewrite', ['-'], job)).stdout, cached)
    assert.equal((await lava('restore', ['-'], cached)).stdout, job)
    assert.equal(read('job.yaml'), job)
  })

  it('take the server from a flag, before the environment', async () => {
    const { stdout } = await lava('rewrite', ['--server', 'https://other/', '-'], job)
    assert.ok(stdout.includes('https://other/api/v1/fetch/a.img?url='))
  })

  it('say on standard error what stays, and nothing where everything went well', async () => {
    const { said } = samples.find((sample) => sample.name === 'placeholders')!
    const name = `${directory}placeholders.yaml`
    const { code, stderr } = await rewrite(name)
    assert.equal(code, 0)
    assert.equal(stderr, said.map((line) => `${line.replace('placeholders.yaml', name)}\n`).join(''))
  })

  it('write to a file with -o', async () => {
    assert.equal((await lava('rewrite', ['-o', 'out.yaml', '-'], job)).stdout, '')
    assert.equal(read('out.yaml'), cached)
  })

  it('change many files in place, and leave the others alone', async () => {
    write('a.yaml')
    write('b.yaml', cached)
    const before = statSync(file('b.yaml'))
    const { code, stdout } = await rewrite('--in-place', 'a.yaml', 'b.yaml')
    assert.equal(code, 0)
    assert.equal(stdout, 'a.yaml: 1 changed\nb.yaml: 0 changed\n')
    assert.deepEqual([read('a.yaml'), read('b.yaml')], [cached, cached])
    assert.equal(statSync(file('b.yaml')).ino, before.ino)
    assert.equal((await lava('restore', ['--in-place', 'a.yaml'])).code, 0)
    assert.equal(read('a.yaml'), job)
  })

  it('write nothing when one of the files is not YAML', async () => {
    write('a.yaml')
    write('b.yaml', 'actions:\n- deploy: [\n')
    const { code, stdout, stderr } = await rewrite('--in-place', 'a.yaml', 'b.yaml')
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /^kiss: b\.yaml:3:1: not YAML: .*\n$/)
    assert.deepEqual([read('a.yaml'), readdirSync(sandbox.cwd).sort()], [job, ['a.yaml', 'b.yaml']])
    const json = await rewrite('--json', 'b.yaml')
    assert.equal(json.code, 2)
    assert.match((JSON.parse(json.stdout) as { error: { message: string } }).error.message, /^b\.yaml:3:1: /)
  })

  it('exit with 1 when --check finds something, and change nothing', async () => {
    write('job.yaml')
    write('done.yaml', cached)
    assert.deepEqual(await rewrite('--check', 'job.yaml', 'done.yaml'), {
      code: 1,
      signal: null,
      stdout: 'job.yaml: 1 to change\n',
      stderr: '',
    })
    assert.equal((await rewrite('--check', 'done.yaml')).code, 0)
    assert.equal((await lava('restore', ['--check', 'done.yaml'])).code, 1)
    assert.equal(read('job.yaml'), job)
    const json = await rewrite('--check', '--json', 'job.yaml')
    assert.deepEqual([json.code, (JSON.parse(json.stdout) as Report).jobs[0]?.changed], [1, true])
  })

  it('print what would change with --diff', async () => {
    write('job.yaml')
    const { code, stdout } = await rewrite('--diff', 'job.yaml')
    assert.equal(code, 0)
    const [before, after] = [job, cached].map((text) => text.split('\n')[4]!)
    assert.equal(
      stdout,
      `--- job.yaml\n+++ job.yaml\n@@ -2,4 +2,4 @@\n - deploy:\n     to: usb\n     image:\n-${before!}\n+${after!}\n`,
    )
  })

  it('report under --json, without credentials', async () => {
    const secret = job.replace('storage.example.com/a.img', 'user:secret@storage.example.com/a.img?token=secret')
    write('job.yaml', `${secret}- deploy:\n    to: usb\n    image: {url: "{HERE}"}\n`)
    const { stdout, stderr } = await rewrite('--json', '--check', 'job.yaml')
    const report = JSON.parse(stdout) as Report
    assert.deepEqual(report.jobs[0]?.changes, [
      {
        line: 5,
        place: 'image.url',
        path: 'actions[0].deploy.image.url',
        from: 'https://storage.example.com/a.img?…',
        to: `${server}/api/v1/fetch/a.img?…`,
      },
    ])
    assert.deepEqual(report.jobs[0].left, [
      {
        line: 8,
        place: 'image.url',
        path: 'actions[1].deploy.image.url',
        reason: 'placeholder',
        warning: true,
        message: 'image.url has a placeholder {HERE}; left as it is',
      },
    ])
    assert.equal(stderr, 'job.yaml:8: image.url has a placeholder {HERE}; left as it is\n')
    assert.doesNotMatch(stdout + stderr, /secret/)
  })

  it('give the result under --json where it would have gone to standard output', async () => {
    const report = async (...args: string[]): Promise<Report['jobs'][number]> =>
      (JSON.parse((await lava('rewrite', ['--json', ...args, '-'], job)).stdout) as Report).jobs[0]!
    assert.equal((await report()).text, cached)
    const { text, diff } = await report('--diff')
    assert.deepEqual([text, diff?.startsWith('--- <stdin>\n')], [undefined, true])
  })

  it('take --ttl, --include and --exclude', async () => {
    const ttl = await lava('rewrite', ['--ttl', '240h', '-'], job)
    assert.equal(ttl.stdout, cached.replace('a.img\n', 'a.img&ttl=10d\n'))
    assert.equal((await lava('rewrite', ['--include', 'nothing', '--include', 'a\\.img$', '-'], job)).stdout, cached)
    assert.equal((await lava('rewrite', ['--exclude', '//storage\\.', '-'], job)).stdout, job)
  })

  it('refuse what makes no sense, with exit code 2', async () => {
    write('job.yaml')
    for (const [args, message] of [
      [[], /there is no job/],
      [['no.yaml'], /cannot read no\.yaml: ENOENT/],
      [['job.yaml', 'job.yaml'], /several jobs/],
      [['-', '--in-place'], /standard input cannot be changed/],
      [['-', '-', '--check'], /read once/],
      [['job.yaml', '--check', '--diff'], /--diff and --check do not go together/],
      [['job.yaml', '--include', '('], /--include: \( is not a regular expression/],
      [['job.yaml', '--server', 'http://user:x@kiss'], /without user/],
      [['job.yaml', '--server', 'http://kiss/?a'], /without user/],
      [['job.yaml', '--ttl', 'soon'], /--ttl/],
    ] as const) {
      const { code, stdout, stderr } = await rewrite(...args)
      assert.deepEqual([code, stdout], [2, ''], stderr)
      assert.match(stderr, message)
    }
    const { code, stderr } = await sandbox.run(['lava', 'rewrite', 'job.yaml'])
    assert.deepEqual(
      [code, stderr],
      [2, 'kiss: there is no server to send downloads to; give --server or set KISS_SERVER\n'],
    )
  })
})

describe('kiss lava dispatcher-config', () => {
  it('prints YAML, or JSON', async () => {
    const sandbox = new Sandbox()
    try {
      const run = (...args: string[]): Promise<Ran> =>
        sandbox.run(['lava', 'dispatcher-config', '--server', 'http://kiss:8001', ...args])
      const yaml = await run('--no-fallback', '--exclude', '\\.iso$', '--ttl', '3d')
      assert.deepEqual([yaml.code, yaml.stderr], [0, ''])
      assert.match(yaml.stdout, /^http_url_format_string: 'http:\/\/kiss:8001\/api\/v1\/fetch\?url=%s&ttl=3d'$/m)
      assert.match(yaml.stdout, /^http_cache_fallback_origin_url: false$/m)
      assert.match(yaml.stdout, /^- '\\\.iso\$'$/m)
      assert.deepEqual(JSON.parse((await run('--json')).stdout), {
        http_url_format_string: 'http://kiss:8001/api/v1/fetch?url=%s',
        http_cache_fallback_origin_url: true,
        http_cache_exclude_rules: ['^http://kiss:8001/api/v1/fetch[/?]'],
      })
    } finally {
      sandbox.remove()
    }
  })
})
