import assert from 'node:assert/strict'
import type { Engine, EngineOptions } from '#kiss/engine/types.js'
import { plainProvider } from '#kiss/provider/owner.js'
import type { UpstreamFailure, UpstreamProvider } from '#kiss/provider/types.js'
import { fetchAll, HastyClock, testEngines } from '../support/engine.js'
import { bytes, latch, Origin, sha256 } from '../support/origin.js'
import { zip } from '../support/zip.js'
import { Rights } from '../support/rights.js'

/** `/latest` is `/v1`; `…!/path` is a file of the archive before it. */
const derived: UpstreamProvider = {
  ...plainProvider,
  name: 'derived',
  async source({ url }) {
    const [archive = '', member] = url.pathname.split('!/')
    if (member !== undefined) return { url: new URL(archive, url), member }
    return url.pathname === '/latest' ? { url: new URL('/v1', url) } : undefined
  },
}

describe('a URL whose bytes come from another URL', () => {
  const engines = testEngines()
  const body = bytes('first', 300_000)
  const image = bytes('image', 500_000)
  const archive = zip([
    { name: 'boot/Image.gz', body: image },
    { name: 'modules.tar', body, method: 0 },
  ])
  let origin: Origin
  beforeEach(async () => {
    origin = await Origin.start()
    origin.serve('/v1', { body, etag: '"v1"' })
    origin.serve('/a.zip', { body: archive, etag: '"zip"' })
  })
  afterEach(() => origin.close())
  const open = (provider: Partial<UpstreamProvider> = {}, options: Partial<EngineOptions> = {}): Promise<Engine> =>
    engines.engine({ providers: [{ ...derived, ...provider }], ...options })
  const get = (kiss: Engine, path: string, request = {}) => fetchAll(kiss, origin.url(path), request)

  it('a URL and its source are downloaded once for both, in either order', async () => {
    const kiss = await open()
    const latest = await get(kiss, '/latest')
    assert.deepEqual([latest.as, latest.body], ['miss', body])
    assert.equal((await get(kiss, '/v1')).as, 'hit')
    assert.equal((await get(kiss, '/latest')).as, 'hit')
    assert.equal(origin.log().length, 1)
    const { counts } = await kiss.status()
    assert.deepEqual([counts.downloaded, counts.requests, counts.requests_miss], [body.length, 3, 1])
  })

  it('a file of an archive has a length, a sum and ranges of its own, and the archive is downloaded once', async () => {
    const kiss = await open()
    const member = await get(kiss, '/a.zip!/boot/Image.gz')
    assert.deepEqual([member.as, member.body], ['miss', image])
    assert.deepEqual((await get(kiss, '/a.zip!/modules.tar')).body, body)
    const hit = await kiss.fetch({ url: new URL(origin.url('/a.zip!/boot/Image.gz')) })
    assert.deepEqual([hit.as, hit.content.length, hit.content.sha256], ['hit', image.length, sha256(image)])
    const range = Buffer.alloc(10)
    await hit.content.read(range, 1000)
    await hit.close('done')
    assert.deepEqual(range, Buffer.from(image.subarray(1000, 1010)))
    assert.equal((await get(kiss, '/a.zip')).as, 'hit')
    assert.deepEqual([origin.log().length, (await kiss.status()).counts.downloaded], [1, archive.length])
  })

  it('a derived entry is validated by a request for its source', async () => {
    const kiss = await open()
    await get(kiss, '/a.zip!/boot/Image.gz')
    assert.equal((await get(kiss, '/a.zip!/boot/Image.gz', { refresh: true })).as, 'revalidated')
    assert.deepEqual(
      origin.log().map(({ status }) => status),
      [200, 304],
    )
    origin.serve('/a.zip', { body: zip([{ name: 'boot/Image.gz', body }]), etag: '"zip2"' })
    assert.deepEqual((await get(kiss, '/a.zip!/boot/Image.gz', { refresh: true })).body, body)
  })

  it('an archive that is a file in itself is refused', async () => {
    const kiss = await open({
      source: async ({ url }) => {
        const [archive = '', member] = url.pathname.split('!/')
        return { url: new URL(member === undefined ? `${archive}!/x` : archive, url), member: member ?? 'x' }
      },
    })
    for (const path of ['/a.zip!/x', '/b.zip']) {
      await assert.rejects(get(kiss, path), { code: 'credential', message: /names a URL as its own source/ })
    }
  })

  it('two archives that are files in each other are refused when both are requested at once', async () => {
    const both = latch()
    let asked = 0
    const kiss = await open({
      source: async ({ url }) => {
        if (++asked === 2) both.open()
        await both.opened
        return { url: new URL(url.pathname === '/a.zip' ? '/b.zip' : '/a.zip', url), member: 'x' }
      },
    })
    const refusal = { code: 'credential', message: /names a URL as its own source/ }
    await Promise.all(['/a.zip', '/b.zip'].map((path) => assert.rejects(get(kiss, path), refusal)))
  })

  it('a file that the archive does not have is missing, and hostile archives are refused', async () => {
    const kiss = await open()
    await assert.rejects(get(kiss, '/a.zip!/boot/other'), { code: 'origin-refused', status: 404 })
    origin.serve('/b.zip', { body: zip([{ name: '/etc/passwd', body }]) })
    await assert.rejects(get(kiss, '/b.zip!/a'), { code: 'origin-failed', message: /absolute path/ })
  })

  it('a file of a private archive is private: each client needs a right to the archive', async () => {
    const rights = new Rights(origin, '/p.zip').give({ body: archive, etag: '"p"' }, 'alice', 'bob')
    const kiss = await open()
    const as = (token: string) => ({ headers: { 'private-token': token } })
    assert.deepEqual((await get(kiss, '/p.zip!/modules.tar', as('alice'))).body, body)
    assert.deepEqual((await get(kiss, '/p.zip!/modules.tar', as('bob'))).body, body)
    await assert.rejects(get(kiss, '/p.zip!/modules.tar', as('mallory')), { code: 'origin-refused' })
    await assert.rejects(get(kiss, '/p.zip!/modules.tar'), { code: 'origin-refused' })
    assert.equal(rights.bodies.length, 1)
  })
})

describe('what a provider tells', () => {
  const engines = testEngines()
  const body = bytes('told', 200_000)
  let origin: Origin
  beforeEach(async () => {
    origin = await Origin.start()
    origin.serve('/a', { body, etag: '"v1"' })
  })
  afterEach(() => origin.close())
  const open = (provider: Partial<UpstreamProvider>, options: Partial<EngineOptions> = {}): Promise<Engine> =>
    engines.engine({ providers: [{ ...plainProvider, name: 'telling', ...provider }], ...options })
  const failing = (failure: Partial<UpstreamFailure>) => async (): Promise<never> => {
    const whole = { url: new URL(origin.url('/api')), hop: 0, status: 500, headers: {}, excerpt: '', ...failure }
    throw Object.assign(new Error('the API said no'), { failure: whole })
  }

  it('the content must have the sum that a provider names', async () => {
    const promising = (sum: string) => ({
      authorise: async (request: object) => ({ ...request, sha256: sum }) as never,
    })
    const good = await open(promising(sha256(body)))
    assert.deepEqual((await fetchAll(good, origin.url('/a'))).body, body)
    const bad = await open(promising(sha256(Buffer.from('other'))))
    const artifact = await bad.fetch({ url: new URL(origin.url('/a')) })
    const buffer = Buffer.alloc(body.length)
    let length = 0
    await assert.rejects(
      async () => {
        for (let n = 1; n > 0; length += n) n = await artifact.content.read(buffer, length)
      },
      { code: 'digest-mismatch', status: 502 },
    )
    await artifact.close('aborted')
    assert.ok(length < body.length, 'the last byte is held back')
    assert.equal((await bad.status()).entries, 0)
  })

  it('a provider may add an Accept header, which no redirect takes to another host', async () => {
    const storage = await Origin.start()
    try {
      storage.serve('/there', { body })
      origin.script('/a', [{ redirect: storage.url('/there') }])
      const accept = 'application/octet-stream'
      const kiss = await open({
        authorise: async (request, { hop }) =>
          hop > 0 ? request : { ...request, headers: { ...request.headers, accept, authorization: 'Bearer x' } },
      })
      await fetchAll(kiss, origin.url('/a'))
      assert.equal(origin.log()[0]?.headers.accept, accept)
      const { accept: there, authorization } = storage.log()[0]!.headers
      assert.deepEqual([there === accept, authorization], [false, undefined])
    } finally {
      await storage.close()
    }
  })

  for (const asked of ['authorise', 'source'] as const) {
    it(`a failure that ${asked} throws is handled as the answer of the origin`, async () => {
      const gone = await open({ [asked]: failing({ status: 410 }), describe: ({ excerpt }) => `it said ${excerpt}` })
      await assert.rejects(fetchAll(gone, origin.url('/a')), { code: 'origin-refused', status: 410 })
      let failures = 2
      const soon = await open({
        [asked]: (request: never) =>
          failures-- > 0 ? failing({ status: 503 })() : Promise.resolve(asked === 'source' ? undefined : request),
      })
      assert.deepEqual((await fetchAll(soon, origin.url('/a'))).body, body)
    })
  }

  it('kiss waits until the time at which a provider says the origin takes requests again, and fails at once if that is too late', async () => {
    origin.script('/a', [{ status: 403 }, { body }])
    const slept: number[] = []
    const clock = new HastyClock()
    clock.sleep = async (ms: number) => void slept.push(ms)
    const limited: Partial<UpstreamProvider> = {
      classify: ({ status }) => (status === 403 ? 'retry' : undefined),
      describe: () => 'the rate limit is used up',
      retryAfter: () => 300,
    }
    const patient = await open(limited, { clock, retryFor: 600_000 })
    assert.deepEqual((await fetchAll(patient, origin.url('/a'))).body, body)
    assert.deepEqual(slept, [300_000])
    origin.script('/a', [{ status: 403 }, { body }])
    const hasty = await open(limited, { clock, retryFor: 60_000 })
    await assert.rejects(fetchAll(hasty, origin.url('/a')), {
      code: 'origin-unreachable',
      message: /the rate limit is used up/,
      retryAfter: 300_000,
    })
    assert.deepEqual(slept, [300_000])
  })
})
