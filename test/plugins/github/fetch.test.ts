import assert from 'node:assert/strict'
import type { Engine } from '#kiss/engine/types.js'
import { fetchAll, HastyClock, MovableClock } from '../../support/engine.js'
import { artifact, image, labEngines, modules, sha, startLab, token, withToken, type Lab } from './lab.js'

describe('an artifact of GitHub', () => {
  const engines = labEngines()
  let lab: Lab
  beforeEach(async () => {
    lab = await startLab()
  })
  afterEach(() => lab.github.close())
  const web = (path: string, repository = 'Lab/kernel'): string => `${lab.github.url}/${repository}/${path}`
  const api = (path: string, repository = 'Lab/kernel'): string => `${lab.github.api}/repos/${repository}/${path}`
  const get = (kiss: Engine, url: string, request = {}) => fetchAll(kiss, url, request)
  const listed = async (kiss: Engine): Promise<string[]> => {
    const paths: string[] = []
    for await (const { url } of kiss.list()) paths.push(new URL(url).pathname)
    return paths.sort()
  }

  it('is a public release asset, without a token', async () => {
    const kiss = await engines.engine(lab.github)
    assert.deepEqual((await get(kiss, web('releases/download/v1.2/Image.gz', 'Lab/open'))).body, image)
    assert.deepEqual(
      lab.github.requests.map(({ headers }) => headers.authorization),
      [undefined, undefined],
    )
  })

  it('is a private release asset, found by tag and name, and the storage gets no token', async () => {
    const kiss = await engines.engine(lab.github, withToken)
    assert.deepEqual((await get(kiss, web('releases/download/v1.2/Image.gz'))).body, image)
    assert.deepEqual(lab.github.asked(), [
      'GET releases/tags/v1.2 200',
      `GET releases/assets/${lab.kernel.assets[1]!.id} 302`,
    ])
    assert.equal(lab.github.storage.requests.length, 1)
    assert.equal(lab.github.storage.requests[0]!.headers.authorization, undefined)
  })

  it('is one entry for all its names: by tag, as the latest, by number, in any case', async () => {
    const kiss = await engines.engine(lab.github, withToken)
    const names = [
      web('releases/download/v1.2/Image.gz'),
      web('releases/download/v1.2/Image.gz', 'LAB/Kernel'),
      web('releases/latest/download/Image.gz'),
      api(`releases/assets/${lab.kernel.assets[1]!.id}`),
      'github:lab/kernel/release/v1.2/Image.gz',
      'github:lab/kernel/release/latest/Image.gz',
    ]
    for (const name of names) assert.deepEqual((await get(kiss, name)).body, image, name)
    assert.equal(lab.github.storage.requests.length, 1)
    assert.deepEqual(await listed(kiss), ['/lab/kernel/releases/download/v1.2/Image.gz'])
    // What the API said once is known: neither it nor the storage is asked again.
    const asked = lab.github.requests.length
    for (const name of names) assert.equal((await get(kiss, name)).as, 'hit')
    for (const name of names) assert.equal((await get(kiss, name, { offline: true })).as, 'hit')
    assert.equal(lab.github.requests.length, asked)
  })

  it('is the new release soon after "latest" has moved', async () => {
    const clock = new MovableClock()
    const kiss = await engines.engine(lab.github, withToken, { clock })
    const latest = web('releases/latest/download/Image.gz')
    await get(kiss, latest)
    lab.kernel.release('v1.3', 'Image.gz', modules)
    assert.deepEqual((await get(kiss, latest)).body, image)
    clock.move(301_000)
    assert.deepEqual((await get(kiss, latest)).body, modules)
    assert.equal((await listed(kiss)).length, 2)
  })

  it('is an artifact of Actions, by page, API and name, and a file in it', async () => {
    const kiss = await engines.engine(lab.github, withToken)
    const { id } = lab.kernel.artifacts[0]!
    const names = [
      web(`actions/runs/4711/artifacts/${id}`),
      api(`actions/artifacts/${id}/zip`),
      'github:Lab/kernel/run/4711/build',
      'github:lab/kernel/workflow/build.yml@main/build',
    ]
    for (const name of names) {
      assert.deepEqual((await get(kiss, name)).body, artifact, name)
      assert.deepEqual((await get(kiss, `${name}!/boot/Image.gz`)).body, image, name)
      assert.deepEqual((await get(kiss, `${name}!/modules.tar`)).body, modules, name)
    }
    assert.equal(lab.github.storage.requests.length, 1)
    await assert.rejects(get(kiss, `${names[0]}!/other`), { status: 404 })
    const zip = `/api/v3/repos/lab/kernel/actions/artifacts/${id}/zip`
    assert.deepEqual(await listed(kiss), [zip, `${zip}!/boot/Image.gz`, `${zip}!/modules.tar`])
  })

  it('is the newest artifact of that name, on whatever page of the list', async () => {
    for (let i = 0; i < 5; i++) lab.kernel.upload(4711, `other-${i}`, modules)
    lab.kernel.upload(4711, 'build', modules)
    lab.github.perPage = 2
    const kiss = await engines.engine(lab.github, withToken)
    assert.deepEqual((await get(kiss, 'github:lab/kernel/run/4711/build')).body, modules)
  })

  it('is of the newest run of the repository itself, never of a pull request from a fork with a branch of that name', async () => {
    lab.kernel.workflows.set('build.yml@main', [6666, 6665, 4711])
    for (const run of [6666, 6665]) lab.kernel.upload(run, 'build', modules)
    lab.kernel.forks.set(6666, 'mallory/kernel').set(6665, null)
    const kiss = await engines.engine(lab.github, withToken)
    assert.deepEqual((await get(kiss, 'github:lab/kernel/workflow/build.yml@main/build')).body, artifact)
    lab.kernel.workflows.set('build.yml@dev', [6666])
    const foreign = get(kiss, 'github:lab/kernel/workflow/build.yml@dev/build')
    await assert.rejects(foreign, { status: 404, message: /no successful run on that branch/ })
  })

  it('is a file or a source archive, of a commit for long, of a branch for minutes', async () => {
    const kiss = await engines.engine(lab.github, withToken)
    const lifetimes: [path: string, seconds: number][] = [
      [`raw/${sha}/dts/board.dts`, 864_000],
      ['raw/main/dts/board.dts', 300],
      ['archive/refs/tags/v1.2.tar.gz', 864_000],
      [`archive/${sha}.tar.gz`, 864_000],
      ['archive/main.tar.gz', 300],
    ]
    for (const [path, seconds] of lifetimes) {
      const { artifact: got } = await get(kiss, web(path))
      assert.equal((await got.finished())?.lifetime, seconds * 1000, path)
    }
  })

  it('is validated by conditional requests', async () => {
    const kiss = await engines.engine(lab.github, withToken)
    const url = web('releases/download/v1.2/Image.gz')
    await get(kiss, url)
    assert.equal((await get(kiss, url, { refresh: true })).as, 'revalidated')
    const { id } = lab.kernel.assets[1]!
    assert.deepEqual(lab.github.asked(), [
      'GET releases/tags/v1.2 200',
      `GET releases/assets/${id} 302`,
      'GET releases/tags/v1.2 304',
      `GET releases/assets/${id} 302`,
    ])
    assert.deepEqual(
      lab.github.storage.requests.map(({ status }) => status),
      [200, 304],
    )
  })

  it('is refused where it does not have the digest that GitHub gives', async () => {
    lab.kernel.assets[1]!.digest = `sha256:${'0'.repeat(64)}`
    lab.kernel.artifacts[0]!.digest = `sha256:${'1'.repeat(64)}`
    lab.open.assets[1]!.digest = `sha256:${'2'.repeat(64)}`
    const kiss = await engines.engine(lab.github, withToken)
    const names = [
      web('releases/download/v1.2/Image.gz'),
      web('releases/latest/download/Image.gz'),
      'github:lab/kernel/run/4711/build',
      'github:lab/kernel/run/4711/build!/modules.tar',
    ]
    for (const name of names) await assert.rejects(get(kiss, name), { code: 'digest-mismatch', status: 502 }, name)
    const anonymous = await engines.engine(lab.github)
    await assert.rejects(get(anonymous, web('releases/download/v1.2/Image.gz', 'Lab/open')), {
      code: 'digest-mismatch',
    })
    assert.equal((await kiss.status()).entries, 0)
  })

  const missing: [name: string, url: string, message: RegExp, status: number][] = [
    ['an asset', 'releases/download/v1.2/other', /the release has no asset of that name/, 404],
    ['a release', 'releases/download/v9/Image.gz', /there is none, or this request may not read it/, 404],
    ['an artifact', 'github:lab/kernel/run/4711/other', /the run has no artifact of that name/, 404],
    ['a run of a workflow', 'github:lab/kernel/workflow/build.yml@dev/build', /no successful run on that branch/, 404],
  ]
  for (const [name, url, message, status] of missing) {
    it(`is missing where there is no such ${name.replace(/^an? /, '')}`, async () => {
      const kiss = await engines.engine(lab.github, withToken)
      const full = url.startsWith('github:') ? url : web(url)
      await assert.rejects(get(kiss, full), { code: 'origin-refused', status, message })
    })
  }

  it('has expired with 410, by name and by number', async () => {
    lab.kernel.artifacts[0]!.expired = true
    const kiss = await engines.engine(lab.github, withToken)
    for (const url of [
      'github:lab/kernel/run/4711/build',
      web(`actions/runs/4711/artifacts/${lab.kernel.artifacts[0]!.id}`),
    ]) {
      await assert.rejects(get(kiss, url), { code: 'origin-refused', status: 410, message: /it has expired \(410\)/ })
    }
  })

  it('needs a token where GitHub wants one, and the message says so', async () => {
    const kiss = await engines.engine(lab.github)
    const { id } = lab.open.artifacts[0]!
    await assert.rejects(get(kiss, api(`actions/artifacts/${id}/zip`, 'Lab/open')), {
      status: 401,
      message: /GitHub asks for a token \(401\); no token is set for this GitHub/,
    })
    const wrong = await engines.engine(lab.github, { token: { token: 'ghp_wrong' } })
    await assert.rejects(get(wrong, web('releases/download/v1.2/Image.gz')), {
      status: 401,
      message: /the token is wrong, expired or revoked/,
    })
  })

  it('is found where its repository was renamed', async () => {
    lab.github.renamed.set('lab/old', 'Lab/kernel')
    const kiss = await engines.engine(lab.github, withToken)
    assert.deepEqual((await get(kiss, web('releases/download/v1.2/Image.gz', 'lab/old'))).body, image)
    assert.deepEqual((await get(kiss, 'github:lab/old/run/4711/build')).body, artifact)
  })

  describe('under a rate limit', () => {
    const slept: number[] = []
    const now = Date.UTC(2026, 0, 1)
    const clock = new HastyClock()
    clock.sleep = async (ms: number) => void slept.push(ms)
    beforeEach(() => slept.splice(0))

    const limits: [name: string, headers: Record<string, string>, status: 403 | 429, seconds: number][] = [
      ['the primary one', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now / 1000 + 500) }, 403, 500],
      ['a secondary one with a time', { 'retry-after': '130', 'x-ratelimit-remaining': '12' }, 403, 130],
      ['a secondary one with a date', { 'retry-after': new Date(now + 90_000).toUTCString() }, 429, 90],
      ['a secondary one as 429', { 'retry-after': '7' }, 429, 7],
      ['a secondary one without a time', {}, 403, 60],
    ]
    for (const [name, headers, status, seconds] of limits) {
      it(`is waited for within the time for retries: ${name}`, async () => {
        const limit = { status, headers, message: 'You have exceeded a secondary rate limit' }
        const kiss = await engines.engine(lab.github, { ...withToken, now: () => now }, { clock, retryFor: 600_000 })
        lab.github.limits.push(limit)
        assert.deepEqual((await get(kiss, web('releases/download/v1.2/Image.gz'))).body, image)
        lab.github.limits.push(limit)
        assert.deepEqual((await get(kiss, 'github:lab/kernel/workflow/build.yml@main/build')).body, artifact)
        assert.deepEqual(slept, [seconds * 1000, seconds * 1000])
      })
    }

    it('is named, with its end, where that is beyond the time for retries', async () => {
      const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now / 1000 + 2700) }
      lab.github.limits.push({ status: 403, headers })
      const kiss = await engines.engine(lab.github, { ...withToken, now: () => now }, { clock, retryFor: 600_000 })
      await assert.rejects(get(kiss, web('releases/download/v1.2/Image.gz')), {
        code: 'origin-unreachable',
        message: /the rate limit is used up until 2026-01-01T00:45:00Z, in 2700 s \(403\)/,
        retryAfter: 2_700_000,
      })
      assert.deepEqual(slept, [])
    })

    it('a public asset comes without its digest where the quota of requests without a token is used up', async () => {
      lab.github.limits.push({
        status: 403,
        headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9999999999' },
      })
      const kiss = await engines.engine(lab.github, {}, { clock })
      assert.deepEqual((await get(kiss, web('releases/download/v1.2/Image.gz', 'Lab/open'))).body, image)
    })
  })

  describe('in a server', () => {
    const as = (shown: string) => ({ headers: { authorization: `Bearer ${shown}` } })

    it('is private with a credential of the client, and for others only with a right of their own', async () => {
      lab.github.tokens.set('ghp_alice', ['Lab/kernel']).set('ghp_bob', ['Lab/kernel']).set('ghp_mallory', [])
      const kiss = await engines.engine(lab.github, { serving: true })
      for (const url of [web('releases/download/v1.2/Image.gz'), 'github:lab/kernel/run/4711/build!/boot/Image.gz']) {
        const first = await get(kiss, url, as('ghp_alice'))
        assert.deepEqual([first.body, first.artifact.private], [image, true])
        const downloads = lab.github.storage.requests.filter(({ method, status }) => method === 'GET' && status === 200)
        assert.deepEqual((await get(kiss, url, as('ghp_bob'))).body, image)
        const after = lab.github.storage.requests.filter(({ method, status }) => method === 'GET' && status === 200)
        assert.equal(after.length, downloads.length, 'nothing is downloaded for the second')
        await assert.rejects(get(kiss, url, as('ghp_mallory')), { status: 404 })
        await assert.rejects(
          get(kiss, url),
          (error: { status: number }) => error.status === 404 || error.status === 401,
        )
      }
    })

    it('comes with the own token for the listed repositories alone', async () => {
      const kiss = await engines.engine(lab.github, { ...withToken, serving: true, repositories: ['lab/kernel'] })
      assert.deepEqual((await get(kiss, web('releases/download/v1.2/Image.gz'))).body, image)
      const other = await engines.engine(lab.github, { ...withToken, serving: true, repositories: ['lab/x*'] })
      await assert.rejects(get(other, web('releases/download/v1.2/Image.gz')), {
        status: 404,
        message: /lends its token only to repositories in KISS_GITHUB_REPOSITORIES/,
      })
      assert.ok(!lab.github.requests.slice(-1)[0]!.headers.authorization?.includes(token))
    })
  })
})
