/** Origins that lie about ranges, refuse them, or take their time: no wrong byte is kept, and the artifact arrives. */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { bytes, latch } from '../../support/origin.js'
import { matrix } from './lab.js'

const LENGTH = 200_000
const HALF = LENGTH / 2
const body = bytes('range', LENGTH)
const etag = '"1"'

matrix('faults: ranges', LENGTH, (lab) => {
  /** Answers a request for a range with these headers and bytes. */
  const says =
    (status: number, headers: Record<string, string>, bytes: Buffer) =>
    (_: IncomingMessage, response: ServerResponse): void => {
      response.writeHead(status, headers).end(bytes)
    }

  for (const framing of ['length', 'chunked'] as const) {
    it(`refuses the bytes of a 206 beyond its Content-Range, after a cut ${framing} body`, async () => {
      const surplus = Buffer.concat([body.subarray(HALF), Buffer.from('surplus')])
      const handler = says(206, { etag, 'content-range': `bytes ${HALF}-${LENGTH - 1}/${LENGTH}` }, surplus)
      lab.origin.script('/r', [{ body, etag, framing, cut: { after: HALF } }, { handler }])
      const kiss = await lab.engine()
      const got = await lab.get(kiss, '/r')
      // A segment takes its own bytes and drops the surplus.
      if (lab.parallel !== undefined && got.code === undefined) return assert.ok(got.body.equals(body))
      assert.equal(got.code, 'length-mismatch')
      assert.ok(got.body.equals(body.subarray(0, got.body.length)))
      assert.equal((await kiss.status()).entries, 0)
    })

    it(`refuses the bytes of a 206 beyond its Content-Range in the middle of a ${framing} body`, async () => {
      const end = HALF + 10
      const handler = says(
        206,
        { etag, 'content-range': `bytes ${HALF}-${end - 1}/${LENGTH}` },
        body.subarray(HALF, end + 5),
      )
      lab.origin.script('/r', [{ body, etag, framing, cut: { after: HALF } }, { handler }])
      const got = await lab.get(await lab.engine(), '/r')
      assert.equal(got.code, 'length-mismatch')
    })

    for (const tag of framing === 'length' ? [etag, undefined, '"2"'] : [etag, undefined]) {
      it(`does not take a 200 with the rest of a ${framing} body for the whole (ETag ${tag ?? 'missing'})`, async () => {
        const rest = body.subarray(HALF)
        const headers = { 'content-length': String(rest.length), ...(tag === undefined ? {} : { etag: tag }) }
        lab.origin.script('/r', [
          { body, etag, framing, cut: { after: HALF } },
          { handler: says(200, headers, rest) },
          { body, etag },
        ])
        const got = await lab.get(await lab.engine(), '/r')
        assert.ok(got.body.equals(body))
        assert.equal(got.entry?.size, LENGTH)
        lab.wasAsked('/r', ['GET', `GET bytes=${HALF}- if "1"`, 'GET'])
      })
    }
  }

  it('does not take the rest of a body of zeros for the whole', async () => {
    const zeros = Buffer.alloc(LENGTH)
    const rest = zeros.subarray(HALF)
    lab.origin.script('/r', [
      { body: zeros, etag, framing: 'chunked', cut: { after: HALF } },
      { handler: says(200, { etag, 'content-length': String(rest.length) }, rest) },
      {},
    ])
    const got = await lab.get(await lab.engine(), '/r')
    assert.deepEqual([got.body.length, got.entry?.size], [LENGTH, LENGTH])
  })

  for (const status of [400, 401, 403, 404, 405, 406, 409, 410, 418, 501, 505]) {
    it(`asks for the whole where a range is answered with ${status}`, async () => {
      lab.origin.script('/r', [{ body, etag, cut: { after: HALF } }, { status }, {}])
      const got = await lab.get(await lab.engine(), '/r')
      assert.ok(got.body.equals(body))
      lab.wasAsked('/r', ['GET', `GET bytes=${HALF}- if "1"`, 'GET'])
    })
  }

  it('passes on what the origin says to the whole, too', async () => {
    lab.origin.script('/r', [{ body, etag, cut: { after: HALF } }, { status: 403 }, { status: 404 }])
    const got = await lab.get(await lab.engine(), '/r')
    assert.deepEqual([got.code, got.status], ['origin-refused', 404])
    lab.wasAsked('/r', 3)
  })

  for (const [name, fault] of Object.entries({
    'is reset': { drop: 'rst' },
    'is closed': { drop: 'fin' },
    'is answered with 500': { status: 500 },
    'is answered with 503': { status: 503 },
    'breaks before its first byte': { cut: { after: 0, by: 'rst' } },
  } as const)) {
    it(`asks for the whole when every range ${name}`, async () => {
      lab.origin.script('/r', [{ body, etag, cut: { after: HALF } }, fault, fault, { body, etag }])
      const got = await lab.get(await lab.engine(), '/r')
      assert.ok(got.body.equals(body))
      const range = `GET bytes=${HALF}- if "1"`
      lab.wasAsked('/r', ['GET', range, range, 'GET'])
    })
  }

  // With ranges in parallel one of them brings bytes under that ETag, as the range of a resume would.
  if (lab.parallel === undefined) {
    it('compares the whole that it asked for, and joins no bytes of two versions', async () => {
      const other = bytes('other', LENGTH)
      lab.origin.script('/r', [{ body, etag, cut: { after: HALF } }, { status: 403 }, { body: other, etag }])
      const got = await lab.get(await lab.engine(), '/r')
      assert.deepEqual([got.code, got.body.equals(body.subarray(0, HALF))], ['content-changed', true])
    })
  }

  it('takes a reset in a body without length for a cut, not for its end', async () => {
    lab.origin.script('/r', [{ body, framing: 'close', cut: { after: HALF, by: 'rst' } }, {}])
    const got = await lab.get(await lab.engine(), '/r')
    assert.ok(got.body.equals(body))
    lab.wasAsked('/r', ['GET', 'GET', 'HEAD'])
  })

  it('waits for headers for as long as it retries, not for the stall timeout', async () => {
    const hold = latch()
    lab.origin.script('/r', [{ body, hold: hold.opened }])
    const kiss = await lab.engine({ stallTimeout: 400 })
    setTimeout(() => hold.open(), 1_000)
    const got = await lab.get(kiss, '/r')
    assert.ok(got.body.equals(body))
    lab.wasAsked('/r', ['GET'])
  })

  it('waits for the first byte after the headers as long as it retries', async () => {
    const begin = latch()
    lab.origin.script('/r', [{ body, stall: { after: 0, until: begin.opened } }])
    const kiss = await lab.engine({ stallTimeout: 400 })
    setTimeout(() => begin.open(), 1_000)
    const got = await lab.get(kiss, '/r')
    assert.ok(got.body.equals(body))
    lab.wasAsked('/r', ['GET'])
  })

  it('waits for the first byte of the rest no longer than the stall timeout', async () => {
    lab.origin.script('/r', [{ body, etag: '"1"', cut: { after: HALF } }, { stall: { after: 0 } }, {}])
    const got = await lab.get(await lab.engine({ stallTimeout: 20 }), '/r')
    assert.ok(got.body.equals(body))
    lab.wasAsked('/r', 3)
  })

  it('gives up when no first byte came for as long as it retries, whenever the headers came', async () => {
    lab.origin.script('/r', [{ body, delay: 200, stall: { after: 0 } }])
    const got = await lab.get(await lab.engine({ retryFor: 300 }), '/r')
    assert.equal(got.code, 'origin-timeout')
    lab.wasAsked('/r', ['GET'])
  })

  it('gives up when no headers came for as long as it retries', async () => {
    lab.origin.script('/r', [{ hold: latch().opened }])
    const got = await lab.get(await lab.engine({ retryFor: 300 }), '/r')
    assert.equal(got.code, 'origin-timeout')
  })
})
