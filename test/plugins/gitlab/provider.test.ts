import assert from 'node:assert/strict'
import { instanceOf } from '#gitlab/instance.js'
import { providerContract } from '../../contract/provider.js'
import { api, authorised, file, host, make, token, web } from './made.js'

const clientToken = 'glpat-of-the-client'

providerContract('a GitLab instance below a path', () => make({ share: 'probe' }), {
  same: [
    [
      file,
      `${web}/jobs/1/artifacts/raw/Image.gz`,
      `${web}/jobs/1/artifacts/file/Image.gz`,
      `${file}?private_token=${clientToken}`,
      `${web}/jobs/1/artifacts/raw/Image.gz?inline=false&job_token=${clientToken}#L1`,
    ],
    [`${api}/jobs/1/artifacts`, `${web}/jobs/1/artifacts/download`],
    [`${web}/jobs/artifacts/a/b/raw/c?job=d`, `${api}/jobs/artifacts/a%2fb/raw/c?access_token=${clientToken}&job=d`],
    [
      `${web}/raw/main/a/b`,
      `${api}/repository/files/a%2Fb/raw?ref=main`,
      `${api}/repository/files/a%2Fb/raw?ref=main&lfs=true`,
    ],
    [`${web}/raw/main/a/c`],
    [`${web}/archive/v1/kernel-v1.tar.gz`],
    [`${api}/repository/archive.tar.gz?sha=v1`],
    [`${web}/releases/v1/downloads/x`, `${api}/releases/v1/downloads/x`],
    [`${host}/some/page?b=1&a=%20+`, `${host}/some/page?b=1&private_token=${clientToken}&a=%20+`],
    [`${host}/some/page?a=%20+&b=1`],
  ],
  foreign: [
    'https://gitlab.example.com/git/lab/kernel/-/raw/main/a',
    'http://gitlab.example.com:8443/git/lab/kernel/-/raw/main/a',
    'https://gitlab.example.com:8443/lab/kernel/-/raw/main/a',
    'https://gitlab.example.com:8443/gitter',
    'https://gitlab.example.com.evil.example:8443/git/x',
    's3://lab/kernel',
  ],
  credentials: [
    `${file}?private_token=${clientToken}`,
    `${file}?Private-Token=${clientToken}`,
    `${file}?job_token=${clientToken}`,
    `${file}?access%5Ftoken=${clientToken}`,
    `${web}/archive/v1/kernel-v1.zip?token=${clientToken}`,
    `https://me:${clientToken}@gitlab.example.com:8443/git/lab/kernel/-/raw/main/a`,
  ],
  plain: [file, `${api}/jobs/artifacts/main/download?job=token`, `${host}/lab/kernel`],
  authorised: [file, `${web}/raw/main/a`, `${web}/archive/v1/kernel-v1.zip`, `${host}/lab/kernel`],
  secrets: [token, clientToken],
  failures: [
    { url: file, status: 404, excerpt: '{"message":"404 Project Not Found"}', classified: 'denied' },
    { url: file, status: 404, excerpt: '{"message":"404 Not Found"}', classified: undefined },
    { url: file, status: 401, excerpt: '{"message":"401 Unauthorized"}', classified: undefined },
    {
      url: 'https://s3.example.net/x?X-Amz-Signature=abc',
      hop: 1,
      status: 403,
      classified: undefined,
      described: 'gitlab.example.com:8443/git: its object storage s3.example.net answered 403',
    },
  ],
})

describe('the provider of a GitLab instance', () => {
  it('sends its token with the API URL that a web URL stands for', async () => {
    const { url, headers } = await authorised(make(), `${web}/jobs/1/artifacts/file/Image.gz?inline=false`, {
      headers: { range: 'bytes=5-' },
    })
    assert.equal(url.href, file)
    assert.deepEqual(headers, { range: 'bytes=5-', 'private-token': token })
  })

  it('goes before an instance at the root of the same host', () => {
    const root = make({ instance: instanceOf('https://gitlab.example.com:8443')! })
    assert.ok(root.matches(new URL(file)) && make().matches(new URL(file)))
    assert.ok(make().priority > root.priority && root.priority > 0)
  })

  it("keeps the client's own token in the query of the API URL, and adds none", async () => {
    const asked = `${web}/raw/main/a?private_token=${clientToken}`
    const { url, headers } = await authorised(make(), asked, { clientCredential: true })
    assert.equal(url.href, `${api}/repository/files/a/raw?lfs=true&private_token=${clientToken}&ref=main`)
    assert.deepEqual(headers, {})
  })

  it("keeps the client's userinfo", async () => {
    const asked = `${web}/raw/main/a`.replace('//', '//me:pw@')
    const { url } = await authorised(make(), asked, { clientCredential: true })
    assert.deepEqual(
      [url.username, url.password, url.pathname],
      ['me', 'pw', '/git/api/v4/projects/lab%2Fkernel/repository/files/a/raw'],
    )
  })

  it('maps a web URL that the instance redirects to', async () => {
    const { url, headers } = await authorised(make(), `${web}/raw/main/a`, {
      asked: `${host}/old/name/-/raw/main/a`,
      hop: 1,
    })
    assert.equal(url.href, `${api}/repository/files/a/raw?lfs=true&ref=main`)
    assert.equal(headers['private-token'], token)
  })

  it('asks the API for an archive where the web URL leads to the sign-in page', async () => {
    const asked = `${web}/archive/feature/x/kernel-feature-x.tar.gz?path=dts&private_token=${clientToken}`
    const first = await authorised(make(), asked, { clientCredential: true })
    assert.equal(first.url.href, asked)
    const second = await authorised(make(), `${host}/users/sign_in`, { asked, hop: 1, clientCredential: true })
    assert.equal(
      second.url.href,
      `${api}/repository/archive.tar.gz?path=dts&private_token=${clientToken}&sha=feature%2Fx`,
    )
  })

  it('does not ask the API for anything else behind a sign-in page', async () => {
    const { url } = await authorised(make(), `${host}/users/sign_in`, {
      asked: `${web}/package_files/1/download`,
      hop: 1,
    })
    assert.equal(url.href, `${host}/users/sign_in`)
  })

  it('fails where its token cannot be had', async () => {
    const provider = make({ token: { kind: 'private', origin: { file: '/nonexistent/token' } } })
    await assert.rejects(authorised(provider, file), /cannot read token-file \/nonexistent\/token: ENOENT/)
  })

  describe('on a server', () => {
    const lent: [projects: string[], url: string, lent: boolean][] = [
      [[], file, false],
      [['lab/kernel'], file, true],
      [['lab/kernel'], `${web}/raw/main/a`, true],
      [['lab/kernel'], `${web}/archive/v1/kernel-v1.zip`, true],
      [['lab/kernel'], `${web}/package_files/1/download`, true],
      [['lab/kernel'], `${host}/api/v4/projects/7/jobs/1/artifacts`, false],
      [['lab/kernel', '7'], `${host}/api/v4/projects/7/jobs/1/artifacts`, true],
      [['lab/*'], `${host}/lab/other/-/raw/main/a`, true],
      [['lab/*'], `${host}/lab/sub/other/-/raw/main/a`, false],
      [['*'], `${host}/any/project/-/raw/main/a`, true],
      [['*'], `${host}/api/v4/user`, false],
      [['*'], `${api}/variables`, false],
      [['*'], `${api}/jobs/1/trace`, false],
      [['*'], `${api}/packages`, false],
      [['*'], `${host}/lab/kernel/-/settings/ci_cd`, false],
      [
        ['lab/kernel'],
        `${host}/api/v4/projects/lab%2Fkernel/jobs/1/artifacts/%2e%2e/%2e%2e/%2e%2e/%2e%2e/secret%2Fone/jobs/1/artifacts`,
        false,
      ],
      [['lab/kernel'], `${host}/api/v4/projects/lab%2Fkernel/jobs/1/artifacts/a%2F..%2F..%2F..%2F..%2Fx`, false],
    ]
    for (const [projects, url, expected] of lent) {
      it(`${expected ? 'lends' : 'does not lend'} its token for ${url.slice(host.length)} to [${projects.join(', ')}]`, async () => {
        const { headers } = await authorised(make({ serving: true, projects }), url)
        assert.equal(headers['private-token'], expected ? token : undefined)
      })
    }

    it('lends nothing for a redirect to a project that is not listed', async () => {
      const provider = make({ serving: true, projects: ['lab/kernel'] })
      const { headers } = await authorised(provider, `${host}/lab/secret/-/raw/main/a`, { asked: file, hop: 1 })
      assert.deepEqual(headers, {})
    })
  })

  describe('for moving refs', () => {
    const rows: [url: string, ttl: number | undefined][] = [
      [`${web}/raw/main/a`, 300],
      [`${api}/repository/files/a/raw`, 300],
      [`${web}/raw/v6.6/a`, undefined],
      [`${web}/raw/${'a'.repeat(40)}/a`, undefined],
      [`${web}/raw/main/a?ref_type=tags`, undefined],
      [`${web}/jobs/artifacts/main/raw/a?job=b`, 300],
      [`${web}/jobs/artifacts/v6.6-rc1/download?job=b`, undefined],
      [`${web}/jobs/1/artifacts/raw/a`, undefined],
      [`${web}/archive/main/kernel-main.zip`, 300],
      [`${api}/repository/archive.zip`, 300],
      [`${api}/repository/archive.zip?sha=${'0'.repeat(40)}`, undefined],
      [`${web}/releases/permalink/latest/downloads/a`, 300],
      [`${web}/releases/nightly/downloads/a`, undefined],
      [`${api}/packages/generic/a/latest/b`, 300],
      [`${api}/packages/generic/a/1/b`, undefined],
      [`${host}/some/page`, undefined],
    ]
    for (const [url, ttl] of rows) {
      it(`has ${ttl === undefined ? 'the default lifetime' : `${ttl} s`} for ${url.slice(host.length)}`, () => {
        assert.equal(make().ttl(new URL(url)), ttl)
      })
    }

    it('takes lifetime and tags from the settings', () => {
      const provider = make({ movingTtl: 7, tags: ['next-*'] })
      assert.equal(provider.ttl(new URL(`${web}/raw/main/a`)), 7)
      assert.equal(provider.ttl(new URL(`${web}/raw/next-1/a`)), undefined)
    })
  })

  it('reads its token again when GitLab refuses it, once in a while', async () => {
    let now = 0
    const provider = make({
      token: { kind: 'bearer', origin: { command: 'date +%s%N' } },
      now: () => now,
    })
    const first = (await authorised(provider, file)).headers['authorization']
    const failure = { url: new URL(file), hop: 0, status: 401, headers: {}, excerpt: '' }
    assert.equal(provider.classify(failure), undefined, 'it was read just now')
    now = 60_000
    assert.equal(provider.classify(failure), 'reauthorise')
    assert.notEqual((await authorised(provider, file)).headers['authorization'], first)
    assert.equal(provider.classify(failure), undefined)
  })
})
