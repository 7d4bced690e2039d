import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { listening, Sandbox, type Ran, type Command } from '../../support/cli.js'
import type { GitLabServer } from '../../support/gitlab-server.js'
import { filesWith, formsOf, own, startLab } from './lab.js'

const secrets = Object.values(own)

function assertSilent({ stdout, stderr }: Pick<Ran, 'stdout' | 'stderr'>): void {
  for (const secret of secrets) {
    for (const form of formsOf(secret)) assert.ok(!`${stdout}${stderr}`.includes(form.toString()), 'a token was shown')
  }
}

describe('GitLab on the command line', () => {
  let sandbox: Sandbox
  let gitlab: GitLabServer
  beforeEach(async () => {
    sandbox = new Sandbox()
    gitlab = await startLab('/git')
  })
  afterEach(async () => {
    await gitlab.close()
    sandbox.remove()
  })

  const kernel = (rest: string): string => `${gitlab.url}/lab/kernel/-/${rest}`

  describe('kiss gitlab url', () => {
    it('prints a URL that kiss fetch takes', async () => {
      const env = { GITLAB_HOST: gitlab.url, GITLAB_TOKEN: own.private }
      const args = ['lab/kernel', '--job', 'build arm', 'arch/Image.gz']
      const printed = await sandbox.run(['gitlab', 'url', ...args], { env })
      const url = `${gitlab.url}/api/v4/projects/lab%2Fkernel/jobs/artifacts/main/raw/arch/Image.gz?job=build%20arm`
      assert.deepEqual([printed.code, printed.stdout, printed.stderr], [0, `${url}\n`, ''])
      const fetched = await sandbox.run(['fetch', '-o', 'Image.gz', printed.stdout.trim()], { env })
      assert.equal(fetched.code, 0, fetched.stderr)
      assert.equal(readFileSync(path.join(sandbox.cwd, 'Image.gz'), 'utf8'), 'image of lab/kernel\n'.repeat(1000))
      assertSilent(fetched)
    })

    const rows: [args: string[], env: Record<string, string>, url: string][] = [
      [['a/b', '--job', 'j'], {}, 'https://gitlab.com/api/v4/projects/a%2Fb/jobs/artifacts/main/download?job=j'],
      [
        ['42', '--job', 'a&b', '--ref', 'feature/x', 'p q/r'],
        { CI_SERVER_URL: 'https://ci.example.com' },
        'https://ci.example.com/api/v4/projects/42/jobs/artifacts/feature%2Fx/raw/p%20q/r?job=a%26b',
      ],
      [
        ['a/b/c', '--job', 'j', '--host', 'http://h:8080/git/'],
        { GITLAB_HOST: 'other.example.com' },
        'http://h:8080/git/api/v4/projects/a%2Fb%2Fc/jobs/artifacts/main/download?job=j',
      ],
    ]
    for (const [args, env, url] of rows) {
      it(`makes ${url} of ${args.join(' ')}`, async () => {
        const { code, stdout } = await sandbox.run(['gitlab', 'url', ...args, '--json'], { env })
        assert.equal(code, 0)
        assert.deepEqual(JSON.parse(stdout), { url })
      })
    }

    it('takes the only instance of the configuration file', async () => {
      writeFileSync(sandbox.configFile, 'gitlab:\n  - host: git.lab:8443\n')
      const { stdout } = await sandbox.run(['gitlab', 'url', 'a/b', '--job', 'j'])
      assert.equal(stdout, 'https://git.lab:8443/api/v4/projects/a%2Fb/jobs/artifacts/main/download?job=j\n')
    })

    for (const [args, words] of [
      [['kernel', '--job', 'j'], /"kernel" is no project/],
      [['a/b', '--job', ''], /name of the job is empty/],
      [['a/b', '--job', 'j', '../x'], /no path of a file/],
      [['a/b', '--job', 'j', '--ref', 'a b'], /no branch or tag/],
      [['a/b', '--job', 'j', '--host', 'https://me:pw@h'], /--host is no host/],
      [['https://gitlab.com/a/b', '--job', 'j'], /is no project: .*the host by --host/],
      [['a/b'], /^kiss: Missing required flag job\n$/],
    ] as const) {
      it(`exits 2 for ${args.join(' ')}`, async () => {
        const { code, stdout, stderr } = await sandbox.run(['gitlab', 'url', ...args])
        assert.deepEqual([code, stdout], [2, ''], stderr)
        assert.match(stderr, words)
        assert.ok(!stderr.includes('pw'))
      })
    }
  })

  it('takes instances and tokens from the configuration file', async () => {
    writeFileSync(path.join(sandbox.root, 'token'), `deployer:${own.deploy}\n`)
    const entry = [`- host: ${gitlab.url}`, `  token-file: ${sandbox.root}/token`, '  kind: deploy']
    writeFileSync(sandbox.configFile, `gitlab:\n${entry.map((line) => `  ${line}\n`).join('')}`)
    const ran = await sandbox.run(['fetch', '--json', kernel('jobs/1/artifacts/download')])
    assert.equal(ran.code, 0, ran.stderr)
    assert.equal((JSON.parse(ran.stdout) as { results: { status: string }[] }).results[0]?.status, 'miss')
    assertSilent(ran)
  })

  it('exits 2 for settings that make no sense, naming plugin, entry and key', async () => {
    writeFileSync(sandbox.configFile, `gitlab:\n  - host: ${gitlab.url}\n    token: ${own.private}\n    kind: magic\n`)
    const ran = await sandbox.run(['fetch', kernel('jobs/1/artifacts/download')])
    assert.equal(ran.code, 2)
    assert.match(ran.stderr, /@kiss\/gitlab.*gitlab\[0\]\.kind: expected private, job, bearer, deploy/)
    assertSilent(ran)
  })

  const failures: [what: string, env: Record<string, string>, path: string, code: number, words: RegExp][] = [
    ['nobody may see', {}, 'jobs/1/artifacts/download', 3, /no token is set/],
    [
      'a wrong token asks for',
      { GITLAB_TOKEN: 'glpat-wrong' },
      'jobs/1/artifacts/download',
      3,
      /wrong, expired or revoked/,
    ],
    ['a sign-in page stands before', { GITLAB_TOKEN: own.private }, 'package_files/5/download', 3, /wants a sign-in/],
    ['is not there', { GITLAB_TOKEN: own.private }, 'raw/main/nothing', 3, /there is no such file/],
    ['an impossible token asks for', { GITLAB_TOKEN: 'two words' }, 'jobs/1/artifacts/download', 7, /blanks/],
  ]
  for (const [what, env, rest, expected, words] of failures) {
    it(`exits ${expected} for what ${what}`, async () => {
      const ran = await sandbox.run(['fetch', kernel(rest)], { env: { GITLAB_HOST: gitlab.url, ...env } })
      assert.equal(ran.code, expected, ran.stderr)
      assert.match(ran.stderr, words)
      assert.ok(!ran.stderr.includes('glpat-wrong') && !ran.stderr.includes('two words'))
      assertSilent(ran)
    })
  }

  describe('kiss serve', () => {
    let running: Command
    let output: { stdout: string; stderr: string }
    const serve = async (
      env: Record<string, string>,
    ): Promise<(url: string, headers?: Record<string, string>) => Promise<Response>> => {
      running = sandbox.startServer(['--port', '0', '--allow-upstream', '127.0.0.0/8', '--log-level', 'trace'], {
        env: { GITLAB_HOST: gitlab.url, GITLAB_TOKEN: own.private, ...env },
      })
      output = { stdout: '', stderr: '' }
      running.child.stderr.on('data', (text: string) => (output.stderr += text))
      const server = await listening(running)
      return async (url, headers = {}) => fetch(`${server}api/v1/fetch?url=${encodeURIComponent(url)}`, { headers })
    }
    afterEach(async () => {
      running.child.kill('SIGTERM')
      await running.ended
    })

    it('lends nothing of its own by default', async () => {
      const get = await serve({})
      const answer = await get(kernel('jobs/1/artifacts/download'))
      assert.equal(answer.status, 404)
      assert.match(await answer.text(), /lends its token only to projects in KISS_GITLAB_PROJECTS/)
      assert.ok(gitlab.requests.every(({ headers }) => headers['private-token'] === undefined))
    })

    it('gives no stranger what a user fetched into its directory with a token, but a client with a right of its own', async () => {
      gitlab.tokens.add('glpat-of-a-client-0123456789', 'private', ['lab/kernel'])
      const url = kernel('jobs/1/artifacts/download')
      const env = { GITLAB_HOST: gitlab.url, GITLAB_TOKEN: own.private }
      assert.equal((await sandbox.run(['fetch', url], { env })).code, 0)
      const get = await serve({})
      assert.equal((await get(url)).status, 404)
      assert.equal((await get(url, { 'private-token': 'glpat-wrong' })).status, 401)
      const right = await get(url, { 'private-token': 'glpat-of-a-client-0123456789' })
      assert.equal(right.status, 200)
      assert.equal(await right.text(), 'zip of lab/kernel\n'.repeat(1000))
      // The user needs no question.
      const asked = gitlab.requests.length
      assert.equal((await sandbox.run(['fetch', '-o', 'again', url], { env })).code, 0)
      assert.equal(gitlab.requests.length, asked)
    })

    it('lends to the listed projects, takes a token of the client for the others, and tells no client', async () => {
      gitlab.tokens.add('glpat-of-a-client-0123456789', 'private', ['other/secret'])
      const get = await serve({ KISS_GITLAB_PROJECTS: 'lab/*' })
      const other = `${gitlab.url}/other/secret/-/jobs/1/artifacts/download`
      const answers = [
        await get(kernel('jobs/1/artifacts/download')),
        await get(other),
        await get(other, { 'private-token': 'glpat-of-a-client-0123456789' }),
        await get(`${other}?private_token=glpat-of-a-client-0123456789`),
      ]
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 404, 200, 200],
      )
      const shown = await Promise.all(answers.map(async (answer) => [...answer.headers].join() + (await answer.text())))
      assertSilent({ stdout: shown.join(), stderr: output.stderr })
      for (const form of formsOf('glpat-of-a-client-0123456789')) assert.ok(!output.stderr.includes(form.toString()))
      assert.deepEqual(await filesWith(sandbox.cacheDir, [...secrets, 'glpat-of-a-client-0123456789']), [])
    })
  })
})
