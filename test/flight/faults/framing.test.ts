import assert from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import { bytes, latch, sha256, type Step } from '../../support/origin.js'
import { matrix, readUpTo } from './lab.js'

const LENGTH = 200_000
const body = bytes('framing', LENGTH)
const MINUTE = 60_000

matrix('faults: where does the body end?', LENGTH, (lab) => {
  for (const framing of ['length', 'chunked'] as const) {
    it(`a body of framing ${framing} is whole without a HEAD`, async () => {
      lab.origin.serve('/f', { body, framing })
      const got = await lab.get(await lab.engine(), '/f')
      assert.ok(got.body.equals(body))
      assert.equal(got.entry?.unverified, false)
      lab.wasAsked('/f', ['GET'])
    })
  }

  const closed: Step = { body, etag: '"1"', framing: 'close' }

  describe('a body that ends with its connection', () => {
    const length = { 'content-length': String(LENGTH), etag: '"1"' }
    const knows: Step = { method: 'HEAD', handler: (_, response) => response.writeHead(200, length).end() }

    it('delivers the whole body when a HEAD knows the length', async () => {
      lab.origin.script('/f', [closed, knows])
      const got = await lab.get(await lab.engine(), '/f')
      assert.ok(got.body.equals(body))
      assert.equal(got.entry?.unverified, false)
      lab.wasAsked('/f', ['GET', 'HEAD'])
    })

    for (const after of [0, 2000, LENGTH / 2, LENGTH - 1]) {
      it(`resumes a body that was cut at byte ${after} when a HEAD knows the length`, async () => {
        lab.origin.script('/f', [{ ...closed, cut: { after } }, { framing: 'length' }, knows])
        const got = await lab.get(await lab.engine(), '/f')
        assert.ok(got.body.equals(body))
        assert.equal(got.entry?.unverified, false)
        lab.wasAsked('/f', ['GET', 'HEAD', after === 0 ? 'GET' : `GET bytes=${after}- if "1"`])
      })
    }

    it('is read to its end when its connection has ended before the download has taken all of it', async () => {
      const large = bytes('framing slow', 900_000)
      lab.origin.script('/f', [
        { body: large, framing: 'close' },
        { ...knows, method: 'HEAD' },
      ])
      lab.origin.script('/cut', [
        { body: large, etag: '"1"', extra: { connection: 'close' }, cut: { after: 800_000 } },
        { extra: {} },
      ])
      const kiss = await lab.engine({ upstream: { guard: false, env: {}, maxRate: 4_000_000 } })
      const whole = ['/1', '/2', '/3', '/4']
      for (const path of whole) lab.origin.serve(path, { body: large, extra: { connection: 'close' } })
      for (const path of ['/f', '/cut', ...whole]) {
        const got = await lab.get(kiss, path)
        assert.deepEqual([got.code, got.body.equals(large)], [undefined, true], path)
        if (whole.includes(path)) assert.equal(lab.origin.log(path).length, 1, path)
      }
    })

    it('a HEAD of another version proves nothing', async () => {
      const newer = { ...length, etag: '"2"' }
      const head: Step = { method: 'HEAD', handler: (_, response) => response.writeHead(200, newer).end() }
      lab.origin.script('/f', [closed, head])
      assert.equal((await lab.get(await lab.engine(), '/f')).entry?.unverified, true)
    })

    for (const [name, head] of Object.entries<Step>({
      'does not know the length': {},
      'is refused': { refusesHead: true },
      'is dropped': { method: 'HEAD', drop: 'fin' },
    })) {
      it(`serves the body, keeps it for five minutes and marks it when a HEAD ${name}`, async () => {
        lab.origin.script('/f', head.method === 'HEAD' ? [closed, head] : [{ ...closed, ...head }])
        const kiss = await lab.engine()
        const got = await lab.get(kiss, '/f', { ttl: 60 * MINUTE })
        assert.ok(got.body.equals(body))
        assert.deepEqual([got.entry?.unverified, got.entry?.lifetime], [true, 5 * MINUTE])
        for await (const listed of kiss.list()) assert.equal(listed.unverified, true)
        assert.equal((await lab.get(kiss, '/f')).as, 'hit')
      })
    }

    it('keeps a shorter lifetime of an unverified body', async () => {
      lab.origin.script('/f', [closed])
      assert.equal((await lab.get(await lab.engine(), '/f', { ttl: MINUTE })).entry?.lifetime, MINUTE)
    })

    it('takes a body with the promised sum for whole without a HEAD', async () => {
      lab.origin.script('/f', [{ ...closed, refusesHead: true }])
      const got = await lab.get(await lab.engine(), '/f', { sha256: sha256(body), ttl: 60 * MINUTE })
      assert.ok(got.body.equals(body))
      assert.deepEqual([got.entry?.unverified, got.entry?.lifetime], [false, 60 * MINUTE])
      lab.wasAsked('/f', ['GET'])
    })

    it('withholds the last byte of a cut body that lacks the promised sum', async () => {
      lab.origin.script('/f', [{ ...closed, refusesHead: true, cut: { after: 1000 } }])
      const got = await lab.get(await lab.engine(), '/f', { sha256: sha256(body) })
      assert.deepEqual([got.code, got.status], ['digest-mismatch', 412])
      assert.ok(got.body.length < 1000)
    })

    it('does not take a second, shorter attempt for changed content', async () => {
      const cut = (after: number): Step => ({ ...closed, etag: undefined, cut: { after } })
      lab.origin.script('/f', [{ ...cut(80_000), framing: 'chunked' }, cut(30_000), { framing: 'length' }])
      const got = await lab.get(await lab.engine(), '/f')
      assert.ok(got.body.equals(body))
      assert.equal(got.code, undefined)
    })
  })

  for (const framing of ['length', 'chunked', 'close'] as const) {
    it(`an empty body of framing ${framing} is whole, with and without a promise`, async () => {
      const empty = Buffer.alloc(0)
      lab.origin.serve('/f', { body: empty, framing })
      lab.origin.serve('/g', { body: empty, framing })
      const kiss = await lab.engine()
      assert.equal((await lab.get(kiss, '/f')).entry?.size, 0)
      assert.equal((await lab.get(kiss, '/g', { sha256: sha256(empty) })).entry?.size, 0)
      const wrong = await lab.get(await lab.engine(), '/g', { sha256: sha256(body) })
      assert.deepEqual([wrong.code, wrong.status, wrong.body.length], ['digest-mismatch', 412, 0])
    })
  }

  for (const framing of ['length', 'chunked'] as const) {
    it(`holds the last byte back until the sum is known, however late the end comes (${framing})`, async () => {
      const end = latch()
      lab.origin.script('/f', [{ body, framing, stall: { after: LENGTH - 1, until: end.opened } }])
      const kiss = await lab.engine()
      const wrong = await lab.open(kiss, '/f', { sha256: '0'.repeat(64) })
      const right = await lab.open(kiss, '/f', { sha256: sha256(body) })
      // Both wait for the byte after this one.
      await Promise.all([readUpTo(wrong, LENGTH - 2), readUpTo(right, LENGTH - 2)])
      const waiting = (async () => {
        let seen = LENGTH - 2
        for (;;) {
          const n = await wrong.content.read(Buffer.alloc(1000), seen)
          if (n === 0) return seen
          seen += n
          assert.ok(seen < LENGTH, 'the last byte was delivered')
        }
      })()
      end.open()
      await assert.rejects(waiting, { code: 'digest-mismatch' })
      assert.equal((await readUpTo(right, LENGTH, LENGTH - 2)).length, 2)
      await Promise.all([wrong.close('aborted'), right.close('done')])
    })
  }

  it('waits with the last byte for the end of a chunked body and its sum', async () => {
    const end = latch()
    lab.origin.script('/f', [
      {
        body,
        handler: (_, response) => {
          response.write(body)
          void end.opened.then(() => response.end())
        },
      },
    ])
    const kiss = await lab.engine()
    const wrong = await lab.open(kiss, '/f', { sha256: '0'.repeat(64) })
    await readUpTo(wrong, LENGTH - 1)
    const last = wrong.content.read(Buffer.alloc(1), LENGTH - 1)
    end.open()
    await assert.rejects(last, { code: 'digest-mismatch' })
    await wrong.close('aborted')
  })

  it('more bytes than a range announced are refused, and not stored', async () => {
    const more = { 'content-range': `bytes 100000-${LENGTH - 1}/${LENGTH}`, etag: '"1"' }
    lab.origin.script('/f', [
      { body, etag: '"1"', cut: { after: 100_000 } },
      { handler: (_, response) => response.writeHead(206, more).end(Buffer.concat([body.subarray(100_000), body])) },
    ])
    const kiss = await lab.engine()
    const got = await lab.get(kiss, '/f')
    // A segment takes its own bytes and drops the surplus.
    if (lab.parallel !== undefined && got.code === undefined) return assert.ok(got.body.equals(body))
    assert.ok(got.body.length < LENGTH && got.body.equals(body.subarray(0, got.body.length)))
    assert.deepEqual([got.code, got.status], ['length-mismatch', 502])
    assert.equal((await kiss.status()).entries, 0)
  })

  it('more bytes than Content-Length are not taken', async () => {
    lab.origin.script('/f', [
      {
        handler: (_, response) => {
          response.socket?.end(`HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789abcdef`)
        },
      },
    ])
    const got = await lab.get(await lab.engine(), '/f')
    assert.equal(got.body.toString(), '0123456789')
  })

  it('stores and serves a gzip body as sent although it asked for identity', async () => {
    lab.origin.serve('/f', { body, gzip: true, etag: '"1"' })
    const kiss = await lab.engine()
    for (const as of ['miss', 'hit']) {
      const got = await lab.get(kiss, '/f')
      assert.equal(got.as, as)
      assert.ok(gunzipSync(got.body).equals(body))
    }
    assert.equal(lab.origin.log('/f')[0]?.headers['accept-encoding'], 'identity')
  })

  it('resumes a cut gzip body by a comparison with the bytes on disk', async () => {
    lab.origin.script('/f', [{ body, gzip: true, etag: '"1"', cut: { after: 90_000 } }, {}])
    assert.ok(gunzipSync((await lab.get(await lab.engine(), '/f')).body).equals(body))
  })

  it('never joins a gzip body and the plain body under the same ETag', async () => {
    lab.origin.script('/f', [{ body, gzip: true, etag: '"1"', cut: { after: 90_000 } }, { gzip: false }])
    const kiss = await lab.engine()
    assert.equal((await lab.get(kiss, '/f')).code, 'content-changed')
    assert.ok((await lab.get(kiss, '/f')).body.equals(body))
  })

  it('a body is whole although the origin refuses HEAD', async () => {
    lab.origin.serve('/f', { body, etag: '"1"', refusesHead: true })
    assert.ok((await lab.get(await lab.engine(), '/f')).body.equals(body))
    lab.wasAsked('/f', ['GET'])
  })
})
