import assert from 'node:assert/strict'
import { defaultInstance, readSettings } from '#gitlab/settings.js'

const secret = 'glpat-0123456789abcdefghij'

/** What became of each instance: its base, and how its token is had. */
function tokens(section: unknown, env: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(readSettings(section, env).map(({ instance, token }) => [instance.base, token]))
}

const given = (kind: string, token: string): unknown => ({ kind, origin: { token } })

describe('the settings of GitLab', () => {
  it('know gitlab.com, without a token', () => {
    assert.deepEqual(tokens(undefined, {}), { 'https://gitlab.com': undefined })
  })

  it('take GITLAB_TOKEN for the instance of GITLAB_HOST', () => {
    const env = { GITLAB_HOST: 'https://gitlab.example.com:8443/sub', GITLAB_TOKEN: secret }
    assert.deepEqual(tokens(undefined, env), {
      'https://gitlab.com': undefined,
      'https://gitlab.example.com:8443/sub': given('private', secret),
    })
  })

  it('take GITLAB_TOKEN alone for gitlab.com, as glab does', () => {
    assert.deepEqual(tokens(undefined, { GITLAB_TOKEN: secret, GITLAB_HOST: ' ' }), {
      'https://gitlab.com': given('private', secret),
    })
  })

  it('take GITLAB_TOKEN alone inside a job for the server of the job: gitlab.com must not see it', () => {
    const env = { GITLAB_TOKEN: secret, CI_SERVER_URL: 'https://ci.example.com', CI_JOB_TOKEN: 'glcbt-1' }
    assert.deepEqual(tokens(undefined, env), {
      'https://gitlab.com': undefined,
      'https://ci.example.com': given('private', secret),
    })
  })

  it("know glab's other names", () => {
    const env = { GL_HOST: 'a.example.com', GITLAB_ACCESS_TOKEN: secret, GLAB_IS_OAUTH2: 'true' }
    assert.deepEqual(tokens(undefined, env)['https://a.example.com'], given('bearer', secret))
  })

  it('take CI_JOB_TOKEN for the server of the job, by its URL or by that of its API', () => {
    for (const server of [
      { CI_SERVER_URL: 'https://ci.example.com/git' },
      { CI_API_V4_URL: 'https://ci.example.com/git/api/v4' },
    ]) {
      assert.deepEqual(tokens(undefined, { ...server, CI_JOB_TOKEN: 'abc' }), {
        'https://gitlab.com': undefined,
        'https://ci.example.com/git': given('job', 'abc'),
      })
    }
  })

  it("see by its prefix that GITLAB_TOKEN is a job's token", () => {
    assert.deepEqual(
      tokens(undefined, { GITLAB_TOKEN: 'glcbt-64_x' })['https://gitlab.com'],
      given('job', 'glcbt-64_x'),
    )
  })

  it('read any number of instances from the file', () => {
    const section = [
      { host: 'a.example.com', token: 'ta', kind: 'bearer' },
      { host: 'http://127.0.0.1:8080', 'token-file': '/run/token', kind: 'deploy' },
      { host: 'b.example.com', 'token-command': 'pass show gitlab' },
      { host: 'c.example.com', 'token-command': ['secret-tool', 'lookup', 'gitlab'] },
      { host: 'd.example.com' },
    ]
    assert.deepEqual(tokens(section, {}), {
      'https://gitlab.com': undefined,
      'https://a.example.com': given('bearer', 'ta'),
      'http://127.0.0.1:8080': { kind: 'deploy', origin: { file: '/run/token' } },
      'https://b.example.com': { kind: 'private', origin: { command: 'pass show gitlab' } },
      'https://c.example.com': { kind: 'private', origin: { command: ['secret-tool', 'lookup', 'gitlab'] } },
      'https://d.example.com': undefined,
    })
  })

  it('let GITLAB_TOKEN beat the file and the file beat CI_JOB_TOKEN, and keep the rest of the entry', () => {
    const section = [{ host: 'a.example.com', token: 'from the file', projects: ['x/y'], share: 'probe' }]
    const job = { CI_SERVER_URL: 'https://a.example.com', CI_JOB_TOKEN: 'from the job' }
    assert.deepEqual(tokens(section, job)['https://a.example.com'], given('private', 'from the file'))
    const settings = readSettings(section, { ...job, GITLAB_TOKEN: secret }).find((s) => s.projects.length > 0)
    assert.deepEqual(settings?.token, given('private', secret))
    assert.deepEqual([settings?.projects, settings?.share], [['x/y'], 'probe'])
  })

  it('keep the token of the job where the file names its server without one', () => {
    const job = { CI_SERVER_URL: 'https://a.example.com', CI_JOB_TOKEN: 'j' }
    assert.deepEqual(tokens([{ host: 'a.example.com' }], job)['https://a.example.com'], given('job', 'j'))
  })

  it('read lending, sharing and lifetimes, with defaults that lend nothing', () => {
    const [com, entry] = readSettings(
      [{ host: 'a.example.com', projects: ['lab/*', 42], share: 'never', 'moving-ttl': '2h', tags: 'next-*' }],
      {},
    )
    assert.deepEqual([com?.projects, com?.share, com?.movingTtl, com?.tags], [[], 'all', 300, []])
    assert.deepEqual([entry?.projects, entry?.share], [['lab/*', '42'], 'never'])
    assert.deepEqual([entry?.movingTtl, entry?.tags], [7200, ['next-*']])
  })

  it('let KISS_GITLAB_PROJECTS beat the file', () => {
    const [, entry] = readSettings([{ host: 'a.example.com', projects: ['a/b'] }], {
      KISS_GITLAB_PROJECTS: ' lab/kernel, 42 ,,',
    })
    assert.deepEqual(entry?.projects, ['lab/kernel', '42'])
    const [, none] = readSettings([{ host: 'a.example.com', projects: ['a/b'] }], { KISS_GITLAB_PROJECTS: '' })
    assert.deepEqual(none?.projects, [], 'an empty list lends nothing')
  })

  const faults: [fault: string, section: unknown, message: RegExp][] = [
    ['no list', { host: 'a' }, /expected a list/],
    ['an entry that is a word', ['a.example.com'], /gitlab\[0\]: expected host/],
    ['an entry without a host', [{ token: secret }], /gitlab\[0\]: host is missing/],
    ['a host with a user', [{ host: `https://me:${secret}@a.example.com` }], /gitlab\[0\]\.host: expected a host/],
    ['an unknown key', [{ host: 'a' }, { host: 'b', tokn: secret }], /gitlab\[1\]: unknown key "tokn"/],
    ['an unknown kind', [{ host: 'a', token: secret, kind: 'magic' }], /gitlab\[0\]\.kind: expected private, job/],
    ['a kind of no token', [{ host: 'a', kind: 'job' }], /there is no token/],
    ['two tokens', [{ host: 'a', token: secret, 'token-file': '/x' }], /only one of/],
    ['a token that is a number', [{ host: 'a', token: 123456789 }], /gitlab\[0\]\.token: expected a token/],
    ['an unknown way to share', [{ host: 'a', share: 'maybe' }], /share: expected all, probe or never/],
    ['a lifetime without a unit', [{ host: 'a', 'moving-ttl': 300 }], /moving-ttl: expected a duration/],
    ['projects that are none', [{ host: 'a', projects: [{ a: 1 }] }], /projects: expected a list/],
  ]
  for (const [fault, section, message] of faults) {
    it(`refuse ${fault}, and show no token`, () => {
      assert.throws(
        () => readSettings(section, {}),
        (error: Error) => {
          assert.match(error.message, message)
          assert.ok(!error.message.includes(secret) && !error.message.includes('123456789'))
          return true
        },
      )
    })
  }

  it('refuse a GITLAB_HOST that is none', () => {
    assert.throws(
      () => readSettings(undefined, { GITLAB_HOST: `https://x:${secret}@h` }),
      /^Error: GITLAB_HOST is no host/,
    )
  })

  it("name the instance that a command means: glab's, the job's, gitlab.com", () => {
    const job = { CI_SERVER_URL: 'https://ci.example.com' }
    assert.equal(defaultInstance({ ...job, GITLAB_HOST: 'a.example.com' }).base, 'https://a.example.com')
    assert.equal(defaultInstance(job).base, 'https://ci.example.com')
    assert.equal(defaultInstance({}).base, 'https://gitlab.com')
    const [a, b] = [{ host: 'a.lab' }, { host: 'b.lab' }]
    assert.equal(defaultInstance({}, [a]).base, 'https://a.lab')
    assert.equal(defaultInstance({}, [a, b]).base, 'https://gitlab.com')
    assert.equal(defaultInstance(job, [a]).base, 'https://ci.example.com')
  })
})
