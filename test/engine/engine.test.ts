import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { KissError } from '#kiss/errors.js'
import { fetchAll, MovableClock, readArtifact, testEngines } from '../support/engine.js'
import { bytes, Origin, sha256 } from '../support/origin.js'

const MiB = 1024 * 1024
/** Milliseconds. */
const HOUR = 3_600_000

function hasCode(code: string, status?: number): (error: unknown) => boolean {
  return (error) =>
    error instanceof KissError && error.code === code && (status === undefined || error.status === status)
}

describe('the engine', () => {
  const { engine, folder } = testEngines()
  let origin: Origin
  beforeEach(async () => (origin = await Origin.start()))
  afterEach(() => origin.close())

  it('downloads once and serves the second request from the store', async () => {
    const body = bytes('a', MiB)
    origin.serve('/a', { body, etag: '"1"' })
    const kiss = await engine()
    const first = await fetchAll(kiss, origin.url('/a'))
    const second = await fetchAll(kiss, origin.url('/a'))
    assert.deepEqual([first.as, second.as], ['miss', 'hit'])
    assert.ok(first.body.equals(body) && second.body.equals(body))
    assert.equal(second.artifact.entry?.sha256, sha256(body))
    assert.equal(origin.log('/a').length, 1)
  })

  it('gives fifty readers at once one download', async () => {
    const body = bytes('b', 3 * MiB)
    origin.script('/b', [{ body, throttle: 20 * MiB }])
    const kiss = await engine()
    const all = await Promise.all(Array.from({ length: 50 }, () => fetchAll(kiss, origin.url('/b'))))
    assert.ok(all.every((one) => one.body.equals(body)))
    assert.equal(all.filter((one) => one.as === 'miss').length, 1)
    assert.equal(all.filter((one) => one.as === 'collapsed').length, 49)
    assert.equal(origin.log('/b').length, 1)
    assert.equal((await kiss.status()).counts.downloaded, body.length)
  })

  it('lets a reader join the first download of an artifact without a look into the index', async () => {
    origin.script('/joined', [{ body: bytes('joined', MiB), stall: { after: 100_000 } }])
    const cacheDir = await folder()
    const kiss = await engine({ cacheDir })
    const url = new URL(origin.url('/joined'))
    const first = await kiss.fetch({ url })
    const index = join(cacheDir, 'index.sqlite')
    await rename(index, `${index}.away`)
    const second = await kiss.fetch({ url })
    await rename(`${index}.away`, index)
    assert.deepEqual([first.as, second.as], ['miss', 'collapsed'])
    await Promise.all([first.close('aborted'), second.close('aborted')])
  })

  it('serves an empty body', async () => {
    origin.serve('/empty', { body: Buffer.alloc(0) })
    const kiss = await engine()
    assert.equal((await fetchAll(kiss, origin.url('/empty'))).body.length, 0)
    assert.equal((await fetchAll(kiss, origin.url('/empty'))).as, 'hit')
  })

  it('resumes at the last byte when the origin drops the connection', async () => {
    const body = bytes('c', MiB)
    origin.script('/c', [{ body, etag: '"1"', cut: { after: 600_000 } }, {}])
    const kiss = await engine()
    assert.ok((await fetchAll(kiss, origin.url('/c'))).body.equals(body))
    assert.deepEqual(
      origin.log('/c').map((request) => [request.headers.range, request.headers['if-range']]),
      [
        [undefined, undefined],
        ['bytes=600000-', '"1"'],
      ],
    )
  })

  it('compares what it has when nothing proves that a range continues it', async () => {
    const body = bytes('d', MiB)
    origin.script('/d', [{ body, cut: { after: 500_000 } }, {}])
    const kiss = await engine()
    assert.ok((await fetchAll(kiss, origin.url('/d'))).body.equals(body))
    assert.ok(origin.log('/d').every((request) => request.headers.range === undefined))
  })

  it('cuts a reader short when the content changed, and gives new readers the new one', async () => {
    const old = bytes('old', MiB)
    const fresh = bytes('new', MiB)
    origin.script('/e', [
      { body: old, etag: '"1"', cut: { after: 500_000 } },
      { body: fresh, etag: '"2"' },
    ])
    const kiss = await engine()
    await assert.rejects(fetchAll(kiss, origin.url('/e')), hasCode('content-changed'))
    const next = await fetchAll(kiss, origin.url('/e'))
    assert.ok(next.body.equals(fresh))
    assert.equal(origin.log('/e').length, 2)
  })

  it('validates a stale entry', async () => {
    const clock = new MovableClock()
    const body = bytes('f', 1000)
    origin.serve('/f', { body, etag: '"1"' })
    const kiss = await engine({ clock })
    await fetchAll(kiss, origin.url('/f'), { ttl: HOUR })
    clock.move(HOUR + 1)
    const again = await fetchAll(kiss, origin.url('/f'))
    assert.equal(again.as, 'revalidated')
    assert.deepEqual(
      origin.log('/f').map((request) => request.status),
      [200, 304],
    )
    assert.equal((await fetchAll(kiss, origin.url('/f'))).as, 'hit')
  })

  it('serves a stale entry when the origin is down, and says so', async () => {
    const clock = new MovableClock()
    origin.serve('/g', { body: bytes('g', 1000), etag: '"1"' })
    const kiss = await engine({ clock })
    const url = origin.url('/g')
    await fetchAll(kiss, url, { ttl: 1000 })
    clock.move(2000)
    await origin.close()
    const stale = await fetchAll(kiss, url)
    assert.deepEqual([stale.as, stale.artifact.detail], ['stale', 'stale-if-error'])
    clock.move(25 * 3600_000)
    await assert.rejects(fetchAll(kiss, url), hasCode('origin-unreachable', 502))
    origin = await Origin.start()
  })

  it('passes a 404 on, drops the entry, and remembers it for ten seconds', async () => {
    const clock = new MovableClock()
    origin.script('/h', [{ body: bytes('h', 10), etag: '"1"' }, { status: 404 }])
    const kiss = await engine({ clock })
    await fetchAll(kiss, origin.url('/h'), { ttl: 1000 })
    clock.move(2000)
    await assert.rejects(fetchAll(kiss, origin.url('/h')), hasCode('origin-refused', 404))
    await assert.rejects(fetchAll(kiss, origin.url('/h')), hasCode('origin-refused', 404))
    assert.equal(origin.log('/h').length, 2)
    clock.move(11_000)
    await assert.rejects(fetchAll(kiss, origin.url('/h')), hasCode('origin-refused', 404))
    assert.equal(origin.log('/h').length, 3)
  })

  it('retries a 503 and gives up when nothing came for as long as it retries', async () => {
    origin.script('/i', [{ status: 503 }, { status: 503 }, { body: bytes('i', 10) }])
    origin.script('/j', [{ status: 503 }])
    const kiss = await engine()
    assert.equal((await fetchAll(kiss, origin.url('/i'))).body.length, 10)
    assert.equal(origin.log('/i').length, 3)
    await assert.rejects(fetchAll(kiss, origin.url('/j')), hasCode('origin-unreachable', 502))
    assert.ok(origin.log('/j').length > 20)
  })

  it('keeps one blob for equal bodies of two URLs', async () => {
    const body = bytes('k', 100_000)
    origin.serve('/k1', { body })
    origin.serve('/k2', { body })
    const kiss = await engine()
    await fetchAll(kiss, origin.url('/k1'))
    await fetchAll(kiss, origin.url('/k2'))
    const { usage, entries } = await kiss.status()
    assert.deepEqual([usage.blobs, usage.reserved, entries], [100_000, 0, 2])
  })

  it('holds the last byte back from a reader that was promised another sum, and from no other', async () => {
    const body = bytes('l', 200_000)
    origin.script('/l', [{ body, throttle: 2 * MiB }])
    const kiss = await engine()
    const url = new URL(origin.url('/l'))
    const [right, wrong] = await Promise.all([
      kiss.fetch({ url, sha256: sha256(body) }),
      kiss.fetch({ url, sha256: '0'.repeat(64) }),
    ])
    let seen = 0
    const wrongRead = (async () => {
      for (;;) seen += await wrong.content.read(Buffer.alloc(64 * 1024), seen)
    })()
    await assert.rejects(wrongRead, hasCode('digest-mismatch', 412))
    assert.ok(seen < body.length)
    await wrong.close('aborted')
    assert.ok((await readArtifact(right)).equals(body))
    await assert.rejects(fetchAll(kiss, url.href, { sha256: '0'.repeat(64) }), hasCode('digest-mismatch', 412))
  })

  it('never contacts an origin offline', async () => {
    origin.serve('/m', { body: bytes('m', 10) })
    const kiss = await engine()
    await assert.rejects(fetchAll(kiss, origin.url('/m'), { offline: true }), hasCode('offline'))
    await fetchAll(kiss, origin.url('/m'))
    assert.equal((await fetchAll(kiss, origin.url('/m'), { offline: true })).as, 'hit')
    assert.equal(origin.log('/m').length, 1)
  })

  it('refuses an artifact larger than the quota, and evicts the least recently used one', async () => {
    for (const name of ['/n1', '/n2', '/n3']) origin.serve(name, { body: bytes(name, 400_000) })
    const kiss = await engine({ quota: 1_000_000 })
    origin.serve('/large', { body: bytes('large', 2_000_000) })
    await assert.rejects(fetchAll(kiss, origin.url('/large')), hasCode('quota', 507))
    for (const name of ['/n1', '/n2', '/n3']) await fetchAll(kiss, origin.url(name))
    const { usage } = await kiss.status()
    assert.equal(usage.blobs, 800_000)
    assert.equal((await fetchAll(kiss, origin.url('/n3'))).as, 'hit')
    assert.equal((await fetchAll(kiss, origin.url('/n1'))).as, 'miss')
  })

  it('follows the download of another engine on the same directory', async () => {
    const cacheDir = await folder()
    const body = bytes('o', 2 * MiB)
    origin.script('/o', [{ body, throttle: 10 * MiB }])
    const [a, b] = [await engine({ cacheDir }), await engine({ cacheDir })]
    const [first, second] = await Promise.all([fetchAll(a, origin.url('/o')), fetchAll(b, origin.url('/o'))])
    assert.ok(first.body.equals(body) && second.body.equals(body))
    assert.deepEqual([first.as, second.as].sort(), ['collapsed', 'miss'])
    assert.equal(origin.log('/o').length, 1)
  })

  it('continues the file of an engine that was closed in the middle', async () => {
    const cacheDir = await folder()
    const body = bytes('p', MiB)
    origin.script('/p', [{ body, etag: '"1"', stall: { after: 700_000 } }, {}])
    const a = await engine({ cacheDir })
    const artifact = await a.fetch({ url: new URL(origin.url('/p')) })
    while (artifact.progress().received < 700_000)
      await artifact.content.read(Buffer.alloc(1), artifact.progress().received)
    await a.close()
    const b = await engine({ cacheDir })
    assert.ok((await fetchAll(b, origin.url('/p'))).body.equals(body))
    assert.equal(origin.log('/p')[1]?.headers.range, 'bytes=700000-')
  })
})
