import assert from 'node:assert/strict'
import { fetchAll, testEngines } from '../support/engine.js'
import { bytes, Origin } from '../support/origin.js'
import { Rights } from '../support/rights.js'

const page = Buffer.from('<html><form>Please sign in</form></html>')

describe('a sign-in page', () => {
  const engines = testEngines()
  let origin: Origin
  beforeEach(async () => {
    origin = await Origin.start()
  })
  afterEach(() => origin.close())

  const serve = (path: string, type: string, cacheControl?: string): void =>
    origin.serve(path, {
      body: page,
      type,
      ...(cacheControl !== undefined && { extra: { 'cache-control': cacheControl } }),
    })

  const table: readonly [name: string, to: string, type: string, cacheControl: string | undefined, kept: boolean][] = [
    ['/builds/7/Image.gz', '/login', 'text/html', 'no-store', false],
    ['/builds/7/Image', '/login?to=7', 'TEXT/HTML; charset=utf-8', 'max-age=0, private, must-revalidate', false],
    ['/rootfs.tar.xz', '/sso/', 'application/xhtml+xml', 'No-Cache, No-Store', false],
    ['/a.dtb?build=7', '/login', 'text/html', 'private="set-cookie"', false],
    ['/builds/7/index.html', '/builds/8/index.html', 'text/html', 'no-store', true],
    ['/builds/7/', '/builds/8/', 'text/html', 'no-store', true],
    ['/builds/7/Image.gz', '/builds/8/Image.gz', 'application/gzip', 'no-store', true],
    ['/builds/7/Image.gz', '/login', 'text/html', 'max-age=600', true],
    ['/builds/7/Image.gz', '/login', 'text/html', undefined, true],
  ]
  for (const [name, to, type, cacheControl, kept] of table) {
    it(`for ${name} at ${to} (${type}; ${cacheControl ?? 'no Cache-Control'}) is passed on and ${kept ? 'kept' : 'not kept'}`, async () => {
      origin.script(name.replace(/\?.*/, ''), [{ redirect: to }])
      serve(to.replace(/\?.*/, ''), type, cacheControl)
      const kiss = await engines.engine()
      const first = await fetchAll(kiss, origin.url(name))
      assert.ok(first.body.equals(page))
      assert.deepEqual([first.artifact.stored, first.artifact.detail], [kept, kept ? undefined : 'sign-in-page'])
      assert.equal((await fetchAll(kiss, origin.url(name))).as, kept ? 'hit' : 'miss')
      assert.equal((await kiss.status()).entries, kept ? 1 : 0)
    })
  }

  it('is kept where no redirect led to another path', async () => {
    serve('/Image.gz', 'text/html', 'no-store')
    origin.script('/other', [
      { redirect: '/other?again' },
      { body: page, type: 'text/html', extra: { 'cache-control': 'no-store' } },
    ])
    const kiss = await engines.engine()
    assert.equal((await fetchAll(kiss, origin.url('/Image.gz'))).artifact.stored, true)
  })

  for (const name of ['/Image.gz', '/report.html', '/builds/'])
    it(`that was kept for a client without a credential under ${name} never answers one with a credential`, async () => {
      const image = bytes('image', 80_000)
      const rights = new Rights(origin, name)
      rights.give({ body: page, type: 'text/html' }, '').give({ body: image, etag: '"v1"' }, 'alice')
      const kiss = await engines.engine({ maxTtl: 86_400_000 })
      const anonymous = await fetchAll(kiss, rights.url, { ttl: 36_500 * 86_400_000 })
      assert.ok(anonymous.body.equals(page))
      const entry = (await anonymous.artifact.finished())!
      assert.equal(entry.lifetime, 86_400_000)
      const alice = await fetchAll(kiss, rights.url, { headers: { 'private-token': 'alice' } })
      assert.ok(alice.body.equals(image))
      assert.equal((await fetchAll(kiss, rights.url, { headers: { 'private-token': 'alice' } })).as, 'hit')
      assert.ok((await fetchAll(kiss, rights.url)).body.equals(page))
    })

  it('in flight for a client without a credential is not joined by one with a credential', async () => {
    const image = bytes('image', 80_000)
    const rights = new Rights(origin, '/Image.gz')
    rights.give({ body: page, type: 'text/html' }, '').give({ body: image, etag: '"v1"' }, 'alice')
    let open = (): void => undefined
    rights.fault = { stall: { after: 5, until: new Promise<void>((resolve) => (open = resolve)) } }
    const kiss = await engines.engine()
    const anonymous = await kiss.fetch({ url: new URL(rights.url) })
    rights.fault = {}
    const alice = await fetchAll(kiss, rights.url, { headers: { 'private-token': 'alice' } })
    assert.ok(alice.body.equals(image))
    open()
    await anonymous.close('done')
  })

  it('under a name that is not HTML answers a credential to which the origin gives the very same page', async () => {
    const rights = new Rights(origin, '/notes')
    rights.give({ body: page, type: 'text/html', etag: '"p"' }, '', 'alice')
    const kiss = await engines.engine()
    await fetchAll(kiss, rights.url)
    const alice = await fetchAll(kiss, rights.url, { headers: { 'private-token': 'alice' } })
    assert.deepEqual([alice.as, alice.artifact.detail], ['hit', 'authorised'])
  })
})
