import assert from 'node:assert/strict'
import { githubCom, placeOf } from '#github/place.js'
import { GitHubProvider } from '#github/provider.js'
import { readSettings } from '#github/settings.js'
import type { HttpClient } from '#kiss/provider/types.js'
import { providerContract } from '../../contract/provider.js'

const token = 'ghp_own0123456789'
const clientToken = 'ghp_ofTheClient012'
const sha = '0123456789abcdef0123456789abcdef01234567'

/** An API that knows every asset and artifact. */
const http: HttpClient = async ({ url }) => {
  const asset = { id: 7, name: 'Image.gz', digest: `sha256:${'a'.repeat(64)}` }
  const page = 'https://github.com/lab/kernel/releases/download/v1.2/Image.gz'
  const isOne = /\/(artifacts|assets)\/\d+$/.test(url.pathname)
  const body = isOne
    ? { ...asset, expired: false, browser_download_url: page }
    : {
        id: 1,
        tag_name: 'v1.2',
        assets: [asset],
        workflow_runs: [{ id: 5 }],
        artifacts: [{ id: 9, name: 'build' }],
        total_count: 1,
      }
  return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(body)) }
}

function make(
  place = githubCom,
  { serving = false, repositories = [] as string[] } = {},
  client = http,
): GitHubProvider {
  return new GitHubProvider({
    name: 'github-com',
    serving,
    http: client,
    isDefault: true,
    settings: { place, token: { token }, repositories, share: 'probe', movingTtl: 300, tags: [] },
  })
}

const web = 'https://github.com/lab/kernel'
const api = 'https://api.github.com/repos/lab/kernel'
const raw = 'https://raw.githubusercontent.com/lab/kernel'

providerContract('github.com', () => make(), {
  same: [
    [
      `${web}/releases/download/v1.2/Image.gz`,
      'https://github.com/LAB/Kernel/releases/download/v1.2/Image.gz',
      'https://www.github.com/lab/kernel/releases/download/v1.2/Image.gz?download=1',
      'github:lab/kernel/release/v1.2/Image.gz',
      'github:Lab/Kernel/release/v1%2E2/Image.gz#x',
    ],
    [`${web}/releases/latest/download/Image.gz`, 'github:lab/kernel/release/latest/Image.gz'],
    [`${api}/releases/assets/7`],
    [`${web}/actions/runs/1/artifacts/9`, `${web}/actions/runs/2/artifacts/9`, `${api}/actions/artifacts/9/zip`],
    [`${web}/actions/runs/1/artifacts/9!/boot/Image.gz`, `${api}/actions/artifacts/9/zip!/boot/Image%2Egz`],
    ['github:lab/kernel/run/1/build', 'github:/Lab/kernel/run/1/build'],
    ['github:lab/kernel/run/1/build!/boot/Image.gz'],
    ['github:lab/kernel/workflow/build.yml@main/build', 'github:lab/kernel/workflow/build.yml%40main/build'],
    ['github:lab/kernel/workflow/build.yml@feature/x/build'],
    [`${raw}/main/a/b`, `${web}/raw/main/a/b`, `${web}/blob/main/a/b?raw=true`, `${raw}/main/a/b?token=${clientToken}`],
    [
      `${web}/archive/refs/tags/v1.tar.gz`,
      'https://codeload.github.com/lab/kernel/tar.gz/refs/tags/v1',
      `https://codeload.github.com/Lab/kernel/tar.gz/refs/tags/v1?token=${clientToken}`,
    ],
    [`${web}/archive/${sha}.zip`],
    [`${api}/tarball/main`, `${api}/tarball/main?access_token=${clientToken}`],
    [`${api}/releases?per_page=5`],
  ],
  foreign: [
    web,
    `${web}/issues/1`,
    'https://github.com/lab',
    'http://github.com/lab/kernel/raw/main/a',
    'https://github.com.evil.example/lab/kernel/raw/main/a',
    'https://gist.github.com/lab/1',
    'github:lab',
    'github:lab/kernel/run/x/build',
    'gitlab:lab/kernel/run/1/build',
  ],
  credentials: [
    `${raw}/main/a/b?token=${clientToken}`,
    `https://me:${clientToken}@github.com/lab/kernel/raw/main/a`,
    `${api}/tarball/main?Access_Token=${clientToken}`,
  ],
  plain: [`${web}/releases/download/v1.2/Image.gz`, `${api}/actions/artifacts/9/zip`, 'github:lab/kernel/run/1/build'],
  authorised: [
    `${web}/releases/download/v1.2/Image.gz`,
    `${api}/releases/assets/7`,
    `${web}/actions/runs/1/artifacts/9`,
    `${raw}/main/a/b`,
    `${web}/archive/v1.zip`,
    `${api}/tarball/main`,
  ],
  secrets: [token, clientToken],
  failures: [
    {
      url: `${api}/releases/assets/7`,
      status: 403,
      headers: { 'retry-after': '5' },
      classified: 'retry',
    },
    {
      url: `${api}/releases/assets/7`,
      status: 403,
      excerpt: '{"message":"Resource not accessible"}',
      classified: undefined,
    },
    {
      url: 'https://objects.githubusercontent.com/x?X-Amz-Signature=abc',
      hop: 1,
      status: 403,
      classified: undefined,
      described: 'github.com: its storage objects.githubusercontent.com answered 403',
    },
  ],
})

describe('the provider of a GitHub', () => {
  it('objects to github: URLs that name nothing', () => {
    assert.match(make().objection(new URL('github:lab/kernel')) ?? '', /expected github:OWNER\/NAME\/run/)
    assert.equal(make().objection(new URL('https://host/')), undefined)
  })

  it('asks the API with the Accept header for the bytes, and promises the digest', async () => {
    const context = { signal: new AbortController().signal, hop: 0, clientCredential: false }
    const asked = new URL(`${web}/releases/download/v1.2/Image.gz`)
    const request = { method: 'GET' as const, url: asked, headers: {} }
    const { url, headers, sha256 } = await make().authorise(request, { ...context, asked })
    assert.equal(url.href, `${api}/releases/assets/7`)
    assert.deepEqual(headers, { authorization: `Bearer ${token}`, accept: 'application/octet-stream' })
    assert.equal(sha256, 'a'.repeat(64))
  })
})

describe('a provider in a server', () => {
  it('lends its token for artifacts of the listed repositories, and for nothing else that the API tells', () => {
    const lends = (repositories: string[], url: string): boolean =>
      make(githubCom, { serving: true, repositories }).lends(new URL(url))
    for (const all of [['*'], ['**'], ['lab/kernel'], ['lab/*']]) {
      for (const url of [
        `${web}/releases/download/v1/a`,
        `${api}/releases/assets/7`,
        `${raw}/main/a`,
        `${api}/tarball/main`,
      ]) {
        assert.equal(lends(all, url), true, `${all.join()} ${url}`)
      }
      for (const path of ['/hooks', '/actions/secrets', '/keys', '/releases', '/tarballs']) {
        assert.equal(lends(all, `${api}${path}`), false, path)
      }
      assert.equal(lends(all, 'https://api.github.com/user/repos'), false)
    }
    assert.equal(lends(['lab/other'], `${web}/releases/download/v1/a`), false)
  })
})

describe('an answer of the API that has another form', () => {
  const context = { signal: new AbortController().signal, hop: 0, clientCredential: false }
  const forms = [
    null,
    7,
    'text',
    [],
    {},
    { assets: {} },
    { assets: [null, { id: '../../x', name: 'Image.gz' }] },
    { artifacts: 7 },
    { workflow_runs: [null] },
    { tag_name: 7 },
  ]
  for (const form of forms) {
    it(`is an answer without what is looked for: ${JSON.stringify(form)}`, async () => {
      const odd: HttpClient = async () => ({ status: 200, headers: {}, body: Buffer.from(JSON.stringify(form)) })
      const provider = make(githubCom, {}, odd)
      for (const url of [`${web}/releases/download/v1/Image.gz`]) {
        const asked = new URL(url)
        const answer = provider.authorise({ method: 'GET', url: asked, headers: {} }, { ...context, asked })
        await assert.rejects(answer, (error: { failure?: { status: number } }) => error.failure?.status === 404)
      }
      for (const url of [
        `${web}/releases/latest/download/a`,
        'github:lab/kernel/run/1/build',
        'github:lab/kernel/workflow/b.yml@main/build',
      ]) {
        const asked = new URL(url)
        const answer = provider.source({ method: 'GET', url: asked, headers: {} }, { ...context, asked })
        await assert.rejects(answer, (error: { failure?: { status: number } }) => error.failure?.status === 404)
      }
    })
  }
})

describe('the settings of GitHub', () => {
  const places = (section: unknown, env: Record<string, string>) =>
    readSettings(section, env).map(({ place, token: origin }) => [place.web, place.api, origin])

  it('know github.com, with the token of gh or of Actions', () => {
    const { web: base, api: apiBase } = githubCom
    assert.deepEqual(places(undefined, {}), [[base, apiBase, undefined]])
    assert.deepEqual(places(undefined, { GITHUB_TOKEN: 'b' }), [[base, apiBase, { token: 'b' }]])
    assert.deepEqual(places(undefined, { GITHUB_TOKEN: 'b', GH_TOKEN: 'a' }), [[base, apiBase, { token: 'a' }]])
  })

  it('send the token to the Enterprise server that the environment names', () => {
    const [com, enterprise] = places(undefined, { GH_HOST: 'git.example.com', GH_TOKEN: 'a', GH_ENTERPRISE_TOKEN: 'e' })
    assert.deepEqual(com?.[2], undefined)
    assert.deepEqual(enterprise, ['https://git.example.com', 'https://git.example.com/api/v3', { token: 'e' }])
    const actions = {
      GITHUB_SERVER_URL: 'https://git.example.com',
      GITHUB_API_URL: 'https://api.git.example.com',
      GITHUB_TOKEN: 'a',
    }
    assert.deepEqual(places(undefined, actions)[1], [
      'https://git.example.com',
      'https://api.git.example.com',
      { token: 'a' },
    ])
    assert.equal(placeOf('tenant.ghe.com')?.api, 'https://api.tenant.ghe.com')
  })

  it('take the URL of the API in any spelling, and name it where it is none', () => {
    for (const api of [
      'https://git.example.com/api/v3',
      'HTTPS://Git.Example.com:443/api/v3/',
      ' https://git.example.com/api/v3 ',
    ]) {
      const base = 'https://git.example.com/api/v3'
      assert.equal(places([{ host: 'git.example.com', api }], {})[1]?.[1], base, api)
      assert.equal(places(undefined, { GH_HOST: 'x.test', GITHUB_API_URL: api })[1]?.[1], 'https://x.test/api/v3')
      const actions = { GITHUB_SERVER_URL: 'https://git.example.com', GITHUB_API_URL: api }
      assert.equal(places(undefined, actions)[1]?.[1], base, api)
    }
    for (const api of [
      'git.example.com/api/v3',
      'ftp://git.example.com',
      'https://user:secret@git.example.com',
      'https://git.example.com/?x',
    ]) {
      assert.throws(() => places([{ host: 'git.example.com', api }], {}), {
        message: 'github[0].api: expected the URL of the API, without a user',
      })
      assert.throws(() => places(undefined, { GITHUB_SERVER_URL: 'https://git.example.com', GITHUB_API_URL: api }), {
        message: 'GITHUB_API_URL is no http or https URL without a user',
      })
    }
  })

  it('take a token, a file, a command, or gh, one for each host', () => {
    const of = (entry: object) => places([{ host: 'git.example.com', ...entry }], {})[1]?.[2]
    assert.deepEqual(of({ token: 'a' }), { token: 'a' })
    assert.deepEqual(of({ 'token-file': '/x' }), { file: '/x' })
    assert.deepEqual(of({ 'token-command': 'pass show x' }), { command: 'pass show x' })
    assert.deepEqual(of({ gh: true }), { command: ['gh', 'auth', 'token', '--hostname', 'git.example.com'] })
    assert.throws(() => of({ token: 'a', gh: true }), /only one of token, token-file, token-command and gh/)
    assert.throws(() => of({ tokken: 'a' }), /github\[0\]: unknown key "tokken"/)
    assert.throws(() => readSettings({ host: 'x' }, {}), /github: expected a list/)
    assert.throws(() => readSettings(undefined, { GH_HOST: 'https://a/b' }), /GH_HOST is no host/)
  })
})
