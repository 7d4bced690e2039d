import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import type { Engine } from '#kiss/engine/types.js'
import type { InstanceSettings } from '#gitlab/types.js'
import { fetchAll, readArtifact } from '../../support/engine.js'
import type { GitLabServer } from '../../support/gitlab-server.js'
import { filesWith, formsOf, labEngines, own, ownPrivate, startLab } from './lab.js'

const alice = 'glpat-alice-0123456789abcdef'
const bob = 'glpat-bob-0123456789abcdefgh'
const mallory = 'glpat-mallory-may-read-nothing'

async function statusOf(engine: Engine, url: string, headers: Record<string, string> = {}): Promise<number> {
  return fetchAll(engine, url, { headers }).then(
    () => 200,
    (error: unknown) => (error instanceof KissError ? error.status : assert.fail(String(error))),
  )
}

describe('private artifacts of GitLab', () => {
  const { engine, folder } = labEngines()
  let gitlab: GitLabServer
  let zip: string
  let image: string
  beforeEach(async () => {
    gitlab = await startLab()
    for (const token of [alice, bob]) gitlab.tokens.add(token, 'private', ['lab/kernel'])
    gitlab.tokens.add(mallory, 'private', [])
    zip = `${gitlab.url}/lab/kernel/-/jobs/1/artifacts/download`
    image = `${gitlab.url}/lab/kernel/-/jobs/1/artifacts/raw/arch/Image.gz`
  })
  afterEach(() => gitlab.close())

  const bodies = (requests: readonly { method: string; status: number }[]): number =>
    requests.filter(({ method, status }) => method === 'GET' && status === 200).length

  it('are not given to a client without a right to them, whatever client fetched them before', async () => {
    const kiss = await engine(gitlab)
    const { artifact } = await fetchAll(kiss, zip, { headers: { 'private-token': alice } })
    assert.equal(artifact.private, true)
    assert.equal(await statusOf(kiss, zip), 404)
    assert.equal(await statusOf(kiss, zip, { 'private-token': mallory }), 404)
    assert.equal(await statusOf(kiss, zip, { 'private-token': 'glpat-nobody' }), 401)
    assert.equal(bodies(gitlab.storage.requests), 1)
  })

  for (const [what, headSignedAsGet] of [
    ['a storage that takes HEAD', false],
    ['a storage that takes GET alone', true],
  ] as const) {
    it(`are one body for two who may read them, with ${what}`, async () => {
      gitlab.headSignedAsGet = headSignedAsGet
      const kiss = await engine(gitlab)
      await fetchAll(kiss, zip, { headers: { 'private-token': alice } })
      const { as, artifact } = await fetchAll(kiss, zip, { headers: { 'private-token': bob } })
      assert.deepEqual([as, artifact.detail], ['hit', 'authorised'])
      assert.equal(bodies(gitlab.storage.requests), 1)
    })
  }

  it('are one body for fifty at once', async () => {
    const kiss = await engine(gitlab)
    const tokens = Array.from({ length: 50 }, (_, i) =>
      gitlab.tokens.add(`glpat-user-${i}-0123456789`, 'private', ['lab/kernel']),
    )
    const results = await Promise.all(
      tokens.map((token) => fetchAll(kiss, image, { headers: { 'private-token': token } })),
    )
    assert.equal(new Set(results.map(({ body }) => body.toString())).size, 1)
    assert.equal(bodies(gitlab.requests), 1)
  })

  it('are refused to the holder of a revoked token, once it is not remembered any more', async () => {
    const kiss = await engine(gitlab, {}, { authTtl: 0 })
    await fetchAll(kiss, zip, { headers: { 'private-token': alice } })
    gitlab.tokens.end(alice, 'revoked')
    assert.equal(await statusOf(kiss, zip, { 'private-token': alice }), 401)
    assert.equal(
      (await fetchAll(kiss, zip, { headers: { 'private-token': bob } })).as,
      'hit',
      'the entry is still there',
    )
  })

  const wholesale: [
    what: string,
    url: (token: string) => string,
    headers: (token: string) => Record<string, string>,
  ][] = [
    ['PRIVATE-TOKEN', () => zip, (token) => ({ 'private-token': token })],
    ['Authorization: Bearer', () => zip, (token) => ({ authorization: `Bearer ${token}` })],
    ['private_token=', (token) => `${zip}?private_token=${token}`, () => ({})],
    ['access_token=', (token) => `${zip}?access_token=${token}`, () => ({})],
    ['userinfo', (token) => zip.replace('//', `//oauth2:${token}@`), () => ({})],
  ]
  for (const [what, url, headers] of wholesale) {
    it(`come with ${what}, are private, and share one key`, async () => {
      const kiss = await engine(gitlab, { token: ownPrivate })
      const { artifact } = await fetchAll(kiss, url(alice), { headers: headers(alice) })
      assert.equal(artifact.private, true)
      assert.equal((await fetchAll(kiss, zip, { headers: { 'private-token': bob } })).as, 'hit')
      const shown = [...gitlab.requests, ...gitlab.storage.requests].map((request) => JSON.stringify(request)).join()
      assert.ok(!shown.includes(own.private), "the server's token was not added to the client's")
    })
  }

  describe('with a token of the server', () => {
    const kinds: [InstanceSettings['token'], secret: string][] = [
      [{ kind: 'private', origin: { token: own.private } }, own.private],
      [{ kind: 'job', origin: { token: own.job } }, own.job],
      [{ kind: 'bearer', origin: { token: own.bearer } }, own.bearer],
      [{ kind: 'deploy', origin: { token: `deployer:${own.deploy}` } }, own.deploy],
    ]
    for (const [token, secret] of kinds) {
      it(`of kind ${token!.kind} never show it to the object storage`, async () => {
        const kiss = await engine(gitlab, { token })
        const paths = ['jobs/1/artifacts/download', 'releases/v1/downloads/bin/kiss', 'raw/main/big.img']
        for (const path of paths) await fetchAll(kiss, `${gitlab.url}/lab/kernel/-/${path}`)
        assert.deepEqual(
          gitlab.storage.requests.map(({ status }) => status),
          [200, 200, 200],
        )
        const seen = JSON.stringify(gitlab.storage.requests.map(({ path, headers }) => [path, headers]))
        assert.ok(!formsOf(secret).some((form) => seen.includes(form.toString())))
        assert.ok(gitlab.requests.every(({ status }) => status < 400))
      })
    }

    it('are lent for listed projects alone, and then everybody may have them', async () => {
      const kiss = await engine(gitlab, { token: ownPrivate, serving: true, projects: ['lab/kernel'] })
      const { artifact } = await fetchAll(kiss, zip)
      assert.equal(artifact.private, false)
      assert.equal((await fetchAll(kiss, zip)).as, 'hit')
      assert.equal(await statusOf(kiss, `${gitlab.url}/other/secret/-/jobs/1/artifacts/download`), 404)
      assert.equal(await statusOf(kiss, `${gitlab.url}/api/v4/projects/9/jobs/1/artifacts`), 404)
      assert.ok(
        gitlab.requests
          .filter(({ path }) => /secret|\/9\//.test(path))
          .every(({ headers }) => headers['private-token'] === undefined),
      )
    })

    it('do not lead to a project that is not listed by a release link', async () => {
      const kiss = await engine(gitlab, { token: ownPrivate, serving: true, projects: ['lab/open'] })
      const project = gitlab.project('lab/links', 'public')
      project.releases.set('v1/steal', `${gitlab.url}/other/secret/-/jobs/1/artifacts/download`)
      assert.equal(await statusOf(kiss, `${gitlab.url}/lab/links/-/releases/v1/downloads/steal`), 404)
      assert.ok(gitlab.requests.every(({ headers }) => headers['private-token'] === undefined))
    })

    it('are probed for each reader where that is set', async () => {
      const kiss = await engine(gitlab, { token: ownPrivate, share: 'probe' })
      assert.equal(await statusOf(kiss, zip), 404)
      await fetchAll(kiss, zip, { headers: { 'private-token': bob } })
      const asked = gitlab.requests.length
      const { as } = await fetchAll(kiss, zip, { headers: { 'private-token': alice } })
      assert.equal(as, 'hit')
      assert.equal(await statusOf(kiss, zip), 404)
      assert.ok(gitlab.requests.every(({ headers }) => headers['private-token'] !== own.private))
      assert.ok(gitlab.requests.length > asked)
      assert.equal(await statusOf(kiss, zip, { 'private-token': mallory }), 404)
    })

    it('are not kept where that is set', async () => {
      const kiss = await engine(gitlab, { token: ownPrivate, share: 'never' })
      for (let n = 1; n <= 2; n += 1) {
        await fetchAll(kiss, zip)
        assert.equal(bodies(gitlab.storage.requests), n)
      }
    })
  })

  it('leave no token on the disk, in any form', async () => {
    const cacheDir = await folder()
    const kiss = await engine(gitlab, { token: ownPrivate }, { cacheDir })
    await fetchAll(kiss, zip)
    await fetchAll(kiss, `${image}?private_token=${alice}`)
    await fetchAll(kiss, image.replace('//', `//oauth2:${bob}@`))
    gitlab.storage.cuts.push(100)
    const growing = await kiss.fetch({
      url: new URL(`${gitlab.url}/lab/kernel/-/raw/main/big.img?access_token=${bob}`),
    })
    assert.deepEqual(await filesWith(cacheDir, [own.private, alice, bob]), [])
    await readArtifact(growing)
    assert.deepEqual(await filesWith(cacheDir, [own.private, alice, bob]), [])
  })
})
