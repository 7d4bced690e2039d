import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { KissError } from '#kiss/errors.js'
import type { Engine } from '#kiss/engine/types.js'
import { fetchAll } from '../../support/engine.js'
import type { GitLabServer } from '../../support/gitlab-server.js'
import { labEngines, own, ownPrivate, startLab } from './lab.js'

async function failureOf(engine: Engine, url: string, headers: Record<string, string> = {}): Promise<KissError> {
  const error = await fetchAll(engine, url, { headers }).then(
    () => assert.fail(`${url} was fetched`),
    (e: unknown) => e,
  )
  assert.ok(error instanceof KissError, String(error))
  return error
}

async function listed(engine: Engine): Promise<string[]> {
  const urls = []
  for await (const { url } of engine.list()) urls.push(url)
  return urls
}

const twice = (text: string): string => `${text}\n`.repeat(1000)

describe('refusals of GitLab', () => {
  const { engine, folder } = labEngines()
  let gitlab: GitLabServer
  beforeEach(async () => (gitlab = await startLab()))
  afterEach(() => gitlab.close())
  const kernel = (path: string): string => `${gitlab.url}/lab/kernel/-/${path}`

  it('a hidden project is reported as one that may not exist', async () => {
    const error = await failureOf(await engine(gitlab), kernel('jobs/1/artifacts/download'))
    assert.deepEqual([error.code, error.status, error.exit], ['origin-refused', 404, 3])
    assert.match(
      error.message,
      /job artifact of lab\/kernel: there is none, or this request may not read it.*no token is set/,
    )
  })

  for (const [state, words] of [
    ['expired', /the token has expired \(401\)/],
    ['revoked', /the token was revoked \(401\)/],
  ] as const) {
    it(`a token that is ${state} is reported, and stored artifacts stay`, async () => {
      const kiss = await engine(gitlab, { token: ownPrivate })
      await fetchAll(kiss, kernel('jobs/1/artifacts/download'))
      gitlab.tokens.end(own.private, state)
      const error = await failureOf(kiss, kernel('raw/main/dts/board.dts'))
      assert.deepEqual([error.status, error.exit], [401, 3])
      assert.match(error.message, words)
      assert.equal((await fetchAll(kiss, kernel('jobs/1/artifacts/download'))).as, 'hit')
    })
  }

  it('a sign-in page is a refusal, and is not stored', async () => {
    const kiss = await engine(gitlab, { token: ownPrivate })
    const error = await failureOf(kiss, kernel('package_files/5/download'))
    assert.deepEqual([error.code, error.exit], ['origin-refused', 3])
    assert.match(error.message, /wants a sign-in for package file of lab\/kernel: GitLab takes no token on this URL/)
    assert.deepEqual(await listed(kiss), [])
    assert.ok(!gitlab.requests.some(({ path }) => path.includes('sign_in')), 'the page was not even asked for')
  })

  it('a web page with status 200 in place of an artifact is a refusal, also for a report in HTML, and is not stored', async () => {
    const kiss = await engine(gitlab, { token: ownPrivate })
    gitlab.gate = true
    for (const path of [
      'jobs/1/artifacts/raw/arch/Image.gz',
      'jobs/1/artifacts/raw/report.html',
      'archive/main/kernel-main.zip',
    ]) {
      const error = await failureOf(kiss, kernel(path))
      assert.deepEqual([error.code, error.exit], ['origin-refused', 3])
      assert.match(error.message, /answered with a web page, probably a sign-in page/)
    }
    assert.deepEqual(await listed(kiss), [])
  })

  it('a report in HTML is an artifact', async () => {
    const { body, artifact } = await fetchAll(
      await engine(gitlab, { token: ownPrivate }),
      kernel('jobs/1/artifacts/file/report.html'),
    )
    assert.equal(body.toString(), '<html>report</html>')
    assert.match(artifact.headers.contentType ?? '', /^text\/html/)
  })

  it('a failed command of a token is reported', async () => {
    const token = { kind: 'private', origin: { command: 'exit 7' } } as const
    const error = await failureOf(await engine(gitlab, { token }), kernel('jobs/1/artifacts/download'))
    assert.deepEqual([error.code, error.exit], ['credential', 7])
    assert.match(error.message, /gitlab-test.*token-command failed \(7\)/)
  })

  it('a missing file, job or ref is named', async () => {
    const kiss = await engine(gitlab, { token: ownPrivate })
    const rows: [path: string, words: RegExp][] = [
      ['raw/main/nothing', /there is no such file \(404\)/],
      [
        'raw/nothing/at/all',
        /there is no such branch, tag or commit; in the URL of a page, write the slashes of its name as %2F \(404\)/,
      ],
      ['jobs/1/artifacts/raw/nothing', /there is no such job or file/],
      ['jobs/99/artifacts/download', /there is no such job or file/],
    ]
    for (const [path, words] of rows) {
      const error = await failureOf(kiss, kernel(path))
      assert.deepEqual([error.status, error.exit], [404, 3])
      assert.match(error.message, words)
    }
  })

  it('a token that GitLab refused is read again, and the next download uses it', async () => {
    const file = `${await folder()}/token`
    await writeFile(file, own.private)
    let now = 0
    const kiss = await engine(gitlab, { token: { kind: 'private', origin: { file } }, now: () => now })
    await fetchAll(kiss, `${gitlab.url}/lab/kernel/-/jobs/1/artifacts/download`)
    gitlab.tokens.end(own.private, 'revoked')
    await writeFile(file, own.narrow)
    now = 3_600_000
    const { body } = await fetchAll(kiss, `${gitlab.url}/lab/kernel/-/raw/main/dts/board.dts`)
    assert.equal(body.toString(), twice('board of lab/kernel'))
  })
})
