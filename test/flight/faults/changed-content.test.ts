import assert from 'node:assert/strict'
import { bytes, type Step } from '../../support/origin.js'
import { matrix } from './lab.js'

const LENGTH = 200_000
const HALF = 100_000
const old = bytes('old', LENGTH)
const other = bytes('new', LENGTH)
const longer = bytes('new', LENGTH + 1000)
const shorter = bytes('new', LENGTH - 1000)
/** Differs from `old` in its second half only. */
const twin = Buffer.concat([old.subarray(0, 150_000), other.subarray(150_000)])

const REST = `GET bytes=${HALF}- if "1"`
const cut = { after: HALF }

/** Answers that prove nothing, to a request for the rest: the whole is asked for, and compared. */
const UNPROVED: Readonly<Record<string, Step>> = {
  '206 with a later start': { partial: { start: HALF + 1 } },
  '206 with an earlier start': { partial: { start: HALF - 1 } },
  '206 with another total': { partial: { total: LENGTH + 5 } },
  '206 with another ETag': { partial: { etag: '"2"' } },
  '206 with a weak ETag': { partial: { etag: 'W/"1"' } },
  412: { status: 412 },
  '416 without a total': { status: 416 },
  '416 with another total': { status: 416, headers: { 'content-range': 'bytes */5' } },
}

matrix('faults: is it still the same content?', LENGTH, (lab) => {
  for (const [name, fault] of Object.entries(UNPROVED)) {
    it(`asks for the whole body and compares after ${name}`, async () => {
      lab.origin.script('/i', [{ body: old, etag: '"1"', cut }, fault, {}])
      const got = await lab.get(await lab.engine(), '/i')
      assert.ok(got.body.equals(old))
      lab.wasAsked('/i', ['GET', REST, 'GET'])
    })

    it(`cuts the reader short and stores the new content after ${name} with changed content`, async () => {
      lab.origin.script('/i', [{ body: old, etag: '"1"', cut }, fault, { body: other, etag: '"2"' }])
      const kiss = await lab.engine()
      const got = await lab.get(kiss, '/i')
      assert.ok(got.body.equals(old.subarray(0, HALF)))
      assert.deepEqual([got.code, got.status], ['content-changed', 502])
      assert.ok((await lab.get(kiss, '/i')).body.equals(other))
      lab.wasAsked('/i', ['GET', REST, 'GET'])
    })
  }

  it('compares the 200 that answers a range, and takes the rest of its body', async () => {
    lab.origin.script('/i', [{ body: old, etag: '"1"', cut }, { whole: true }])
    const got = await lab.get(await lab.engine(), '/i')
    assert.ok(got.body.equals(old))
    lab.wasAsked('/i', ['GET', REST])
  })

  it('does not take a 206 of unknown total that ends early for the whole body', async () => {
    const head = { 'content-range': `bytes ${HALF}-${HALF + 9}/*`, etag: '"1"', 'content-length': '10' }
    const text = old.subarray(HALF, HALF + 10).toString('latin1')
    lab.origin.script('/i', [
      { body: old, etag: '"1"', framing: 'chunked', cut },
      { handler: (_, response) => response.writeHead(206, head).end(Buffer.from(text, 'latin1')) },
      {},
    ])
    const got = await lab.get(await lab.engine(), '/i')
    assert.ok(got.body.equals(old))
  })

  it('asks for the rest after a 206 with fewer bytes than the range', async () => {
    const head = { 'content-range': `bytes ${HALF}-${HALF + 9}/${LENGTH}`, etag: '"1"', 'content-length': '10' }
    lab.origin.script('/i', [
      { body: old, etag: '"1"', framing: 'chunked', cut },
      { handler: (_, response) => response.writeHead(206, head).end(old.subarray(HALF, HALF + 10)) },
      {},
    ])
    const got = await lab.get(await lab.engine(), '/i')
    assert.ok(got.body.equals(old))
    lab.wasAsked('/i', ['GET', REST, `GET bytes=${HALF + 10}- if "1"`])
  })

  it('does not take a 416 with the length but no version for the end of the bytes on disk', async () => {
    const moved = { status: 416, headers: { 'content-range': `bytes */${HALF}` } }
    lab.origin.script('/i', [
      { body: old, etag: '"1"', framing: 'chunked', cut },
      moved,
      { body: other.subarray(0, HALF), etag: '"2"' },
    ])
    const kiss = await lab.engine()
    assert.equal((await lab.get(kiss, '/i')).code, 'content-changed')
    assert.ok((await lab.get(kiss, '/i')).body.equals(other.subarray(0, HALF)))
  })

  it('never joins two representations when a 206 has another coding', async () => {
    const head = { 'content-range': `bytes ${HALF}-${LENGTH - 1}/${LENGTH}`, etag: '"1"', 'content-encoding': 'br' }
    lab.origin.script('/i', [
      { body: old, etag: '"1"', cut },
      { handler: (_, response) => response.writeHead(206, head).end(other.subarray(HALF)) },
      {},
    ])
    assert.ok((await lab.get(await lab.engine(), '/i')).body.equals(old))
  })

  const changes: Readonly<Record<string, readonly [Step, Step]>> = {
    'a strong ETag, of equal length': [{ etag: '"1"' }, { body: other, etag: '"2"' }],
    'a strong ETag, longer': [{ etag: '"1"' }, { body: longer, etag: '"2"' }],
    'a strong ETag, shorter': [{ etag: '"1"' }, { body: shorter, etag: '"2"' }],
    'a weak ETag, of equal length': [{ etag: 'W/"1"' }, { body: other, etag: 'W/"2"' }],
    'a weak ETag that stayed the same': [{ etag: 'W/"1"' }, { body: twin }],
    'Last-Modified only, of equal length': [
      { lastModified: 'Mon, 23 Nov 2026 10:00:00 GMT' },
      { body: other, lastModified: 'Mon, 23 Nov 2026 11:00:00 GMT' },
    ],
    'no validator, of equal length': [{}, { body: other }],
    'no validator, equal up to where it was cut': [
      {},
      { body: Buffer.concat([old.subarray(0, HALF - 1), other.subarray(HALF - 1)]) },
    ],
    'no validator, longer': [{}, { body: longer }],
    'no validator, shorter': [{}, { body: shorter }],
    'no length, equal up to its shorter end': [{ framing: 'chunked' }, { body: old.subarray(0, HALF - 5) }],
    'a validator where there was none': [{}, { body: other, etag: '"2"' }],
    'a range in spite of If-Range, of equal length': [
      { etag: '"1"', ignoresIfRange: true },
      { body: other, etag: '"2"' },
    ],
  }
  for (const [name, [first, second]] of Object.entries(changes)) {
    it(`cuts the old reader short and gives the next one the new content when it changed before a resume (${name})`, async () => {
      const then = second.body === twin ? { ...second, cut: undefined } : second
      lab.origin.script('/i', [
        { body: old, ...first, cut: { after: second.body === twin ? 180_000 : HALF } },
        then as Step,
      ])
      const kiss = await lab.engine()
      const got = await lab.get(kiss, '/i')
      assert.equal(got.code, 'content-changed')
      assert.ok(got.body.length < LENGTH && got.body.equals(old.subarray(0, got.body.length)))
      const next = await lab.get(kiss, '/i')
      assert.ok(next.body.equals(second.body as Buffer))
      assert.equal(next.entry?.size, second.body?.length)
    })
  }

  // The next answer of these scripts is for a later request; a range would take it.
  if (lab.parallel === undefined) {
    it('gives each reader one whole version when the content changed between two requests', async () => {
      lab.origin.script('/i', [
        { body: old, etag: '"1"' },
        { body: longer, etag: '"2"' },
      ])
      const kiss = await lab.engine()
      assert.ok((await lab.get(kiss, '/i')).body.equals(old))
      assert.ok((await lab.get(kiss, '/i', { refresh: true })).body.equals(longer))
      lab.wasAsked('/i', ['GET', 'GET unless "1"'])
    })

    it('delivers the whole old body when the content changed after a resume', async () => {
      lab.origin.script('/i', [{ body: old, etag: '"1"', cut }, {}, { body: other, etag: '"2"' }])
      const kiss = await lab.engine()
      assert.ok((await lab.get(kiss, '/i')).body.equals(old))
      assert.equal((await lab.get(kiss, '/i')).as, 'hit')
      assert.ok((await lab.get(kiss, '/i', { refresh: true })).body.equals(other))
    })

    it('cuts the reader short when the content changed in the middle of a resume that was cut in its turn', async () => {
      lab.origin.script('/i', [
        { body: old, etag: '"1"', cut },
        { cut: { after: 50_000 } },
        { body: other, etag: '"2"' },
      ])
      const kiss = await lab.engine()
      const got = await lab.get(kiss, '/i')
      assert.ok(got.code === 'content-changed' && got.body.equals(old.subarray(0, 150_000)))
      assert.ok((await lab.get(kiss, '/i')).body.equals(other))
      lab.wasAsked('/i', 3)
    })
  }

  it('takes no validator of a changed body as proof of the bytes on disk', async () => {
    // The new one begins like the old one, has an ETag, and is cut before the first byte that differs.
    const next = Buffer.concat([old.subarray(0, 80_000), other.subarray(80_000)])
    lab.origin.script('/i', [{ body: old, cut }, { body: next, etag: '"2"', cut: { after: 70_000 } }, {}])
    const kiss = await lab.engine()
    const got = await lab.get(kiss, '/i')
    assert.equal(got.code, 'content-changed')
    assert.ok(got.body.equals(old.subarray(0, got.body.length)))
    assert.ok((await lab.get(kiss, '/i')).body.equals(next))
  })

  it('new readers of changed content share one download, which goes on without a reader', async () => {
    lab.origin.script('/i', [
      { body: old, etag: '"1"', cut },
      { body: other, etag: '"2"' },
    ])
    const kiss = await lab.engine()
    assert.equal((await lab.get(kiss, '/i')).code, 'content-changed')
    const all = await Promise.all([lab.get(kiss, '/i'), lab.get(kiss, '/i'), lab.get(kiss, '/i')])
    assert.ok(all.every(({ body }) => body.equals(other)))
    lab.wasAsked('/i', 2)
  })

  for (const status of [401, 403, 404, 410]) {
    it(`cuts the reader short, tells the next one and stores nothing after a ${status} on a resume`, async () => {
      lab.origin.script('/i', [{ body: old, etag: '"1"', cut }, { status }])
      const kiss = await lab.engine()
      const got = await lab.get(kiss, '/i')
      assert.ok(got.body.equals(old.subarray(0, HALF)))
      assert.deepEqual([got.code, got.status], ['origin-refused', status])
      const next = await lab.get(kiss, '/i')
      assert.deepEqual([next.code, next.status], ['origin-refused', status])
      lab.wasAsked('/i', ['GET', REST, 'GET'])
      assert.equal((await kiss.status()).entries, 0)
    })
  }
})

matrix('faults: redirects', LENGTH, (lab) => {
  // The next answer of these scripts is for a later request; a range would take it.
  if (lab.parallel === undefined) {
    it('begins again at the URL that was asked for, and follows it to the renewed location', async () => {
      lab.origin.script('/r', [{ redirect: '/at?sig=1' }, { redirect: '/at?sig=2' }])
      lab.origin.script('/at?sig=1', [{ body: old, etag: '"1"', cut }, { status: 403 }])
      lab.origin.serve('/at?sig=2', { body: old, etag: '"1"' })
      const got = await lab.get(await lab.engine(), '/r')
      assert.ok(got.body.equals(old))
      lab.wasAsked('/r', ['GET', REST])
      lab.wasAsked('/at', ['GET', REST])
      assert.deepEqual(
        lab.origin.log('/at').map(({ path }) => path),
        ['/at?sig=1', '/at?sig=2'],
      )
    })
  }

  it('an expired location is asked anew from the start of the chain, not remembered', async () => {
    lab.origin.script('/r', [{ redirect: '/at?sig=1' }, { redirect: '/at?sig=2' }])
    lab.origin.script('/at?sig=1', [{ status: 503 }, { status: 403 }])
    lab.origin.serve('/at?sig=2', { body: old })
    assert.ok((await lab.get(await lab.engine(), '/r')).body.equals(old))
    lab.wasAsked('/r', 2)
  })

  it('a location that stays expired passes its 403 on', async () => {
    lab.origin.script('/r', [{ redirect: '/at?sig=1' }])
    lab.origin.script('/at?sig=1', [{ body: old, etag: '"1"', cut }, { status: 403 }])
    const got = await lab.get(await lab.engine(), '/r')
    assert.ok(got.body.equals(old.subarray(0, HALF)))
    assert.deepEqual([got.code, got.status], ['origin-refused', 403])
  })

  it('does not append the bytes of a redirect to other content', async () => {
    lab.origin.script('/r', [{ redirect: '/a' }, { redirect: '/b' }])
    lab.origin.script('/a', [{ body: old, etag: '"1"', cut }])
    lab.origin.serve('/b', { body: other, etag: '"2"' })
    const kiss = await lab.engine()
    assert.equal((await lab.get(kiss, '/r')).code, 'content-changed')
    assert.ok((await lab.get(kiss, '/r')).body.equals(other))
  })

  it('validation begins at the URL that was asked for', async () => {
    lab.origin.script('/r', [{ redirect: '/at?sig=1' }, { redirect: '/at?sig=2' }])
    lab.origin.serve('/at', { body: old, etag: '"1"' })
    const kiss = await lab.engine()
    await lab.get(kiss, '/r')
    assert.equal((await lab.get(kiss, '/r', { refresh: true })).as, 'revalidated')
    lab.wasAsked('/r', ['GET', 'GET unless "1"'])
  })
})
