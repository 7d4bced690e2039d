import assert from 'node:assert/strict'
import { HastyClock } from '../../support/engine.js'
import { bytes, Origin, type Step } from '../../support/origin.js'
import { getUrl, matrix } from './lab.js'

const LENGTH = 200_000
const body = bytes('cut', LENGTH)
const PLACES: Readonly<Record<string, number>> = {
  'byte 0': 0,
  '1 %': LENGTH / 100,
  '50 %': LENGTH / 2,
  '99.9 %': LENGTH * 0.999,
  'the last byte': LENGTH - 1,
}
/** Milliseconds. */
const STALL = 100

const FAULTS: Readonly<Record<string, (after: number) => Step>> = {
  FIN: (after) => ({ cut: { after } }),
  RST: (after) => ({ cut: { after, by: 'rst' } }),
}

interface Kind {
  readonly served: Step
  /** Is asked for a range. */
  readonly asks?: boolean
  /** And answers with one. */
  readonly resumes?: boolean
}

const KINDS: Readonly<Record<string, Kind>> = {
  'with ranges and a strong ETag': { served: { etag: '"1"' }, asks: true, resumes: true },
  'chunked, with a strong ETag': { served: { etag: '"1"', framing: 'chunked' }, asks: true, resumes: true },
  'without ranges': { served: { etag: '"1"', ranges: false }, asks: true },
  'with Accept-Ranges: none': { served: { etag: '"1"', ranges: false, extra: { 'accept-ranges': 'none' } } },
  'without a validator': { served: {} },
  'with a weak ETag': { served: { etag: 'W/"1"' } },
  'with Last-Modified only': { served: { lastModified: 'Mon, 23 Nov 2026 10:00:00 GMT' } },
  'chunked, without a validator': { served: { framing: 'chunked' } },
}

matrix('faults: cuts and stalls', LENGTH, (lab) => {
  for (const [kind, { served, asks = false, resumes = false }] of Object.entries(KINDS)) {
    // The other kinds never come by ranges in parallel.
    if (lab.parallel !== undefined && !resumes) continue
    describe(kind, () => {
      for (const [name, fault] of Object.entries(FAULTS)) {
        for (const [place, after] of Object.entries(PLACES)) {
          it(`${name} at ${place}`, async () => {
            lab.origin.script('/c', [{ body, ...served, ...fault(after) }, {}])
            const kiss = await lab.engine()
            const got = await lab.get(kiss, '/c')
            assert.ok(got.body.equals(body))
            assert.deepEqual([got.as, got.code, got.entry?.size], ['miss', undefined, LENGTH])
            assert.equal(got.entry?.unverified, false)
            if (lab.segmentsAsked('/c') > 0) return
            const [first, second, ...more] = lab.asked('/c')
            assert.deepEqual([first, more], ['GET', []])
            // A RST may overtake bytes that were sent before it: then the rest begins earlier.
            const from = /^GET bytes=(\d+)- if "1"$/.exec(second ?? '')?.[1]
            if (asks && name !== 'RST') assert.equal(from, after === 0 ? undefined : String(after))
            else assert.ok(asks ? Number(from ?? 0) <= after : second === 'GET')
          })
        }
      }

      it('resumes after five cuts in a row', async () => {
        const cuts = [30_000, 30_000, 30_000, 30_000, 30_000].map((after, i) => ({
          cut: { after: resumes ? after : after * (i + 1) },
        }))
        lab.origin.script('/c', [{ body, ...served, ...cuts[0] }, ...cuts.slice(1), {}])
        const got = await lab.get(await lab.engine(), '/c')
        assert.ok(got.body.equals(body))
        const starts = [0, 30_000, 60_000, 90_000, 120_000, 150_000]
        const ranges = starts.map((at) => (at > 0 && asks ? `GET bytes=${at}- if "1"` : 'GET'))
        lab.wasAsked('/c', ranges)
      })
    })
  }

  for (const drop of ['fin', 'rst'] as const) {
    it(`drops the connection (${drop}) before any answer, twice`, async () => {
      lab.origin.script('/c', [{ body, etag: '"1"', drop }, { drop }, {}])
      const got = await lab.get(await lab.engine(), '/c')
      assert.ok(got.body.equals(body))
      lab.wasAsked('/c', ['GET', 'GET', 'GET'])
    })
  }

  it('waits for an origin that refuses connections until it is back', async () => {
    lab.origin.script('/c', [{ body }])
    const url = lab.origin.url('/c')
    const { port } = lab.origin
    await lab.origin.close()
    const late: Origin[] = []
    class Reviving extends HastyClock {
      override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
        late.push(await Origin.start({ port }))
        late[0]?.serve('/c', { body })
        await super.sleep(ms, signal)
      }
    }
    const got = await getUrl(await lab.engine({ clock: new Reviving() }), url)
    assert.ok(got.body.equals(body))
    assert.equal(late[0]?.log('/c').length, 1)
    await Promise.all(late.map((origin) => origin.close()))
  })

  it('completes a chunked body whose end alone is missing', async () => {
    lab.origin.script('/c', [{ body, etag: '"1"', framing: 'chunked', cut: { after: LENGTH } }, {}])
    const got = await lab.get(await lab.engine(), '/c')
    assert.ok(got.body.equals(body))
    assert.equal(got.entry?.unverified, false)
    lab.wasAsked('/c', ['GET', `GET bytes=${LENGTH}- if "1"`])
  })

  it('gives a reader what came, and an error where it ends, when the origin stays down', async () => {
    lab.origin.script('/c', [{ body, etag: '"1"', cut: { after: 70_000 } }, { drop: 'fin' }])
    const kiss = await lab.engine()
    const got = await lab.get(kiss, '/c')
    assert.ok(got.body.equals(body.subarray(0, 70_000)))
    assert.deepEqual([got.code, got.status], ['origin-unreachable', 502])
    assert.equal((await kiss.status()).entries, 0)
    assert.ok(lab.asked('/c').length > 20)
  })

  it('completes every kind of body after a stall at every place behind the first byte', async () => {
    const kiss = await lab.engine({ stallTimeout: STALL })
    const rows = Object.entries(KINDS).flatMap(([kind, { served, asks = false }], i) =>
      Object.entries(PLACES)
        .slice(1)
        .map(([place, after]) => ({
          name: `${kind}, ${place}`,
          path: `/${i}/${after}`,
          served,
          asks,
          after,
        })),
    )
    await Promise.all(
      rows.map(async ({ name, path, served, asks, after }) => {
        lab.origin.script(path, [{ body, ...served, stall: { after } }, {}])
        const got = await lab.get(kiss, path)
        assert.ok(got.body.equals(body), name)
        assert.deepEqual(
          [got.as, got.code, got.entry?.size, got.entry?.unverified],
          ['miss', undefined, LENGTH, false],
          name,
        )
        lab.wasAsked(path, ['GET', asks ? `GET bytes=${after}- if "1"` : 'GET'], name)
      }),
    )
  })

  it('says that the origin timed out when it stalls for ever', async () => {
    lab.origin.script('/c', [{ body, etag: '"1"', stall: { after: 5 } }, { stall: { after: 0 } }])
    const got = await lab.get(await lab.engine({ stallTimeout: STALL, retryFor: 1_000 }), '/c')
    assert.deepEqual([got.code, got.status, got.body.length], ['origin-timeout', 504, 5])
  })
})
