import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import type { Engine } from '#kiss/engine/types.js'
import { fetchAll, MovableClock } from '../../support/engine.js'
import type { GitLabServer } from '../../support/gitlab-server.js'
import { labEngines, own, ownPrivate, sha, startLab } from './lab.js'

async function failureOf(engine: Engine, url: string, headers: Record<string, string> = {}): Promise<KissError> {
  const error = await fetchAll(engine, url, { headers }).then(
    () => assert.fail(`${url} was fetched`),
    (e: unknown) => e,
  )
  assert.ok(error instanceof KissError, String(error))
  return error
}

const twice = (text: string): string => `${text}\n`.repeat(1000)

describe('fetching from GitLab', () => {
  const { engine } = labEngines()
  let gitlab: GitLabServer
  beforeEach(async () => (gitlab = await startLab()))
  afterEach(() => gitlab.close())

  const forms: [what: string, web: string, api: string, body: string][] = [
    [
      'a file among the artifacts of a job',
      '/-/jobs/1/artifacts/raw/arch/Image.gz',
      '/jobs/1/artifacts/arch/Image.gz',
      twice('image of lab/kernel'),
    ],
    [
      'the page of such a file',
      '/-/jobs/1/artifacts/file/arch/Image.gz',
      '/jobs/1/artifacts/arch/Image.gz',
      twice('image of lab/kernel'),
    ],
    ['all artifacts of a job', '/-/jobs/1/artifacts/download', '/jobs/1/artifacts', twice('zip of lab/kernel')],
    [
      'a file of the latest job',
      '/-/jobs/artifacts/main/raw/arch/Image.gz?job=build%20arm',
      '/jobs/artifacts/main/raw/arch/Image.gz?job=build+arm',
      twice('image of lab/kernel'),
    ],
    [
      'a file of the latest job of a branch with a slash',
      '/-/jobs/artifacts/feature/x/file/arch/Image.gz?job=build%20arm',
      '/jobs/artifacts/feature%2Fx/raw/arch/Image.gz?job=build%20arm',
      twice('image of lab/kernel'),
    ],
    [
      'all of the latest job',
      '/-/jobs/artifacts/main/download?job=build%20arm',
      '/jobs/artifacts/main/download?job=build%20arm',
      twice('zip of lab/kernel'),
    ],
    [
      'a file of the repository',
      '/-/raw/main/dts/board.dts?inline=false',
      '/repository/files/dts%2Fboard.dts/raw?ref=main',
      twice('board of lab/kernel'),
    ],
    [
      'a file of a commit',
      `/-/raw/${sha}/dts/board.dts`,
      `/repository/files/dts%2Fboard.dts/raw?ref=${sha}`,
      twice('board of a commit of lab/kernel'),
    ],
    [
      'a release download',
      '/-/releases/v1/downloads/bin/kiss',
      '/releases/v1/downloads/bin/kiss',
      twice('boot of lab/kernel'),
    ],
    [
      'the latest release download',
      '/-/releases/permalink/latest/downloads/bin/kiss',
      '/releases/permalink/latest/downloads/bin/kiss',
      twice('boot of lab/kernel'),
    ],
  ]
  for (const [what, web, api, body] of forms) {
    it(`gives ${what} by its web URL, and by the URL of the API from the store`, async () => {
      const kiss = await engine(gitlab, { token: ownPrivate })
      const first = await fetchAll(kiss, `${gitlab.url}/lab/kernel${web}`)
      assert.deepEqual([first.as, first.body.toString()], ['miss', body])
      const asked = gitlab.requests.length + gitlab.storage.requests.length
      const second = await fetchAll(kiss, `${gitlab.url}/api/v4/projects/lab%2Fkernel${api}`)
      assert.deepEqual([second.as, second.body.toString()], ['hit', body])
      assert.equal(gitlab.requests.length + gitlab.storage.requests.length, asked, 'nobody was asked again')
      assert.ok(gitlab.requests.every(({ path }) => path.startsWith('/api/v4/')))
    })
  }

  it('works below a path, and leaves alone what lies beside the instance', async () => {
    const below = await startLab('/git')
    try {
      const kiss = await engine(below, { token: ownPrivate })
      const { body } = await fetchAll(kiss, `${below.url}/lab/kernel/-/jobs/1/artifacts/download`)
      assert.equal(body.toString(), twice('zip of lab/kernel'))
      const beside = await failureOf(kiss, new URL('/lab/kernel/-/jobs/1/artifacts/download', below.url).href)
      assert.equal(beside.status, 404)
      assert.equal(below.requests.at(-1)?.headers['private-token'], undefined)
    } finally {
      await below.close()
    }
  })

  it('finds a branch with a slash in the web URL of a file', async () => {
    const kiss = await engine(gitlab, { token: ownPrivate })
    const url = `${gitlab.url}/lab/kernel/-/raw/feature/x/dts/board.dts`
    const { body } = await fetchAll(kiss, url)
    assert.equal(body.toString(), twice('board of a feature of lab/kernel'))
    assert.deepEqual(
      gitlab.requests.map(({ path, status }) => [new URL(path, gitlab.url).searchParams.get('ref'), status]),
      [
        ['feature', 404],
        ['feature/x', 200],
      ],
    )
    await fetchAll(kiss, url, { refresh: true })
    assert.equal(gitlab.requests.filter(({ status }) => status === 404).length, 1, 'it was remembered')
  })

  it('gives the file that Git LFS holds, and its pointer to who asks for that', async () => {
    const kiss = await engine(gitlab, { token: ownPrivate })
    const file = await fetchAll(kiss, `${gitlab.url}/lab/kernel/-/raw/main/big.img`)
    assert.equal(file.body.length, 5004)
    const pointer = await fetchAll(
      kiss,
      `${gitlab.url}/api/v4/projects/7/repository/files/big.img/raw?ref=main&lfs=false`,
    )
    assert.match(pointer.body.toString(), /^version https:\/\/git-lfs/)
  })

  it('gives the archive of the web URL where the token opens it, else that of the API', async () => {
    const url = `${gitlab.url}/lab/kernel/-/archive/main/kernel-main.tar.gz`
    const wide = await fetchAll(await engine(gitlab, { token: ownPrivate }), url)
    assert.equal(wide.body.toString(), 'archive of lab/kernel at main, top directory without the commit')
    for (const token of [
      { kind: 'private', origin: { token: own.narrow } },
      { kind: 'job', origin: { token: own.job } },
    ] as const) {
      const { body } = await fetchAll(await engine(gitlab, { token }), url)
      assert.equal(body.toString(), 'archive of lab/kernel at main, top directory with the commit')
    }
  })

  it("gives a private archive to a client's token by the API, and says what is wrong with one that may not", async () => {
    const url = `${gitlab.url}/lab/kernel/-/archive/main/kernel-main.tar.gz`
    gitlab.tokens.add('glpat-client-narrow-token', 'private', ['lab/kernel'], { wide: false })
    const { body, artifact } = await fetchAll(await engine(gitlab), url, {
      headers: { 'private-token': 'glpat-client-narrow-token' },
    })
    assert.equal(body.toString(), 'archive of lab/kernel at main, top directory with the commit')
    assert.equal(artifact.private, true)
    const kiss = await engine(gitlab)
    for (const [headers, words] of [
      [{ 'job-token': 'glcbt-nobody' }, /archive of lab\/kernel: the token is wrong, expired or revoked \(401\)/],
      [{}, /archive of lab\/kernel: there is none, or this request may not read it: .*\(404\); no token is set/],
    ] as const) {
      await assert.rejects(fetchAll(kiss, url, { headers }), (error: KissError) => {
        assert.match(error.message, words)
        return error.exit === 3
      })
    }
  })

  it('keeps a package file once, by the number that it has on its page', async () => {
    const kiss = await engine(gitlab, { token: ownPrivate })
    const api = `${gitlab.url}/api/v4/projects/lab%2Fkernel/packages/3/package_files/5/download`
    const { body } = await fetchAll(kiss, api)
    assert.equal(body.toString(), 'package file of lab/kernel\n'.repeat(1000))
    assert.equal((await fetchAll(kiss, `${gitlab.url}/lab/kernel/-/package_files/5/download`)).as, 'hit')
    assert.equal((await fetchAll(kiss, api, { refresh: true })).as, 'revalidated')
  })

  it('gives a public project to everybody', async () => {
    const kiss = await engine(gitlab)
    for (const path of [
      'jobs/1/artifacts/raw/arch/Image.gz',
      'raw/main/dts/board.dts',
      'archive/main/open-main.zip',
      'package_files/5/download',
    ]) {
      const { artifact } = await fetchAll(kiss, `${gitlab.url}/lab/open/-/${path}`)
      assert.equal(artifact.private, false, path)
    }
  })

  it('keeps what a branch names for a short time, and what a version names for long', async () => {
    const clock = new MovableClock()
    const kiss = await engine(gitlab, { token: ownPrivate, movingTtl: 60 }, { clock })
    const [moving, fixed] = [
      `${gitlab.url}/lab/kernel/-/raw/main/dts/board.dts`,
      `${gitlab.url}/lab/kernel/-/raw/${sha}/dts/board.dts`,
    ]
    for (const url of [moving, fixed]) await fetchAll(kiss, url)
    clock.move(61_000)
    assert.deepEqual([(await fetchAll(kiss, moving)).as, (await fetchAll(kiss, fixed)).as], ['revalidated', 'hit'])
  })

  it('continues a download that was cut with a fresh signature and a range', async () => {
    gitlab.storage.cuts.push(1_000_000, 1_000_000)
    const kiss = await engine(gitlab, { token: ownPrivate })
    const { body } = await fetchAll(kiss, `${gitlab.url}/lab/kernel/-/jobs/2/artifacts/download`)
    assert.equal(body.toString(), twice('large zip of lab/kernel').repeat(150))
    const starts = gitlab.storage.requests.map(({ headers }) =>
      Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0),
    )
    assert.equal(starts[0], 0)
    assert.ok(starts[1]! > 0 && starts[2]! > starts[1]!, String(starts))
    assert.equal(new Set(gitlab.storage.requests.map(({ path }) => path)).size, 3, 'three signatures')
    assert.ok(gitlab.requests.every(({ headers }) => headers['private-token'] === own.private))
  })
})
