import assert from 'node:assert/strict'
import { HastyClock } from '../../support/engine.js'
import { bytes } from '../../support/origin.js'
import { faultLab, matrix } from './lab.js'

const PASSING = [408, 413, 420, 425, 429, 430, 500, 502, 503, 504, 507, 509, 529, 598]
const body = bytes('status', 200_000)

matrix('faults: statuses in mid-body', body.length, (lab) => {
  for (const status of PASSING) {
    it(`resumes at the last byte after a ${status} in the middle of a body`, async () => {
      const cut = { after: 90_000 }
      lab.origin.script('/s', [{ body, etag: '"1"', cut }, { status }, {}])
      const got = await lab.get(await lab.engine(), '/s')
      assert.ok(got.body.equals(body))
      const rest = 'GET bytes=90000- if "1"'
      lab.wasAsked('/s', ['GET', rest, rest])
    })
  }
})

describe('faults: statuses', () => {
  const lab = faultLab()

  for (const status of PASSING) {
    it(`stores every byte with the third request after two answers ${status}`, async () => {
      lab.origin.script('/s', [{ status }, { status }, { body, etag: '"1"' }])
      const got = await lab.get(await lab.engine(), '/s')
      assert.ok(got.body.equals(body))
      assert.deepEqual([got.as, got.code, got.entry?.size], ['miss', undefined, body.length])
      lab.wasAsked('/s', ['GET', 'GET', 'GET'])
    })

    it(`asks again for the time of --retry-for while the answer is ${status}, then fails with 502, exit 4 and a Retry-After`, async () => {
      lab.origin.script('/s', [{ status }])
      const got = await lab.get(await lab.engine(), '/s')
      assert.deepEqual([got.code, got.status, got.error?.exit], ['origin-unreachable', 502, 4])
      const attempts = lab.asked('/s').length
      // Pauses of half a second to thirty, in ten minutes.
      assert.ok(attempts > 20 && attempts < 60, String(attempts))
      assert.match(
        got.error?.message ?? '',
        new RegExp(`answered ${status}; gave up after ${attempts} attempts in 600 s`),
      )
      assert.ok((got.error?.retryAfter ?? 0) > 0)
    })
  }

  for (const status of [400, 401, 402, 403, 404, 405, 406, 409, 410, 418, 451]) {
    it(`${status} passes through at once, exit 3`, async () => {
      lab.origin.script('/s', [{ status }])
      const got = await lab.get(await lab.engine(), '/s')
      assert.deepEqual([got.code, got.status, got.error?.exit], ['origin-refused', status, 3])
      lab.wasAsked('/s', 1)
    })
  }

  for (const status of [201, 202, 203, 204, 300, 304, 305, 501, 505]) {
    it(`stores no ${status} and fails with 502 and exit 4`, async () => {
      lab.origin.script('/s', [{ status }])
      const kiss = await lab.engine()
      const got = await lab.get(kiss, '/s')
      assert.deepEqual([got.code, got.status, got.error?.exit], ['origin-failed', 502, 4])
      lab.wasAsked('/s', 1)
      assert.equal((await kiss.status()).entries, 0)
    })
  }

  it('206 to a request without a range is never taken for the whole', async () => {
    const range = { 'content-range': `bytes 0-9/10`, 'content-length': '10' }
    lab.origin.script('/s', [{ status: 206, headers: range, text: '0123456789' }])
    const kiss = await lab.engine()
    const got = await lab.get(kiss, '/s')
    assert.deepEqual([got.body.length, got.status], [0, 502])
    assert.equal((await kiss.status()).entries, 0)
  })

  it('waits as long as Retry-After says, up to two minutes', async () => {
    const waits: number[] = []
    class Noting extends HastyClock {
      override sleep(ms: number, signal?: AbortSignal): Promise<void> {
        waits.push(ms)
        return super.sleep(ms, signal)
      }
    }
    const after = (seconds: string) => ({ status: 503, headers: { 'retry-after': seconds } })
    lab.origin.script('/s', [after('7'), after('86400'), { body }])
    assert.ok((await lab.get(await lab.engine({ clock: new Noting() }), '/s')).body.equals(body))
    assert.deepEqual(waits, [7000, 120_000])
  })

  it('gives up when Retry-After reaches beyond --retry-for, and passes it on', async () => {
    lab.origin.script('/s', [{ status: 429, headers: { 'retry-after': '90' } }])
    const got = await lab.get(await lab.engine({ retryFor: 60_000 }), '/s')
    assert.deepEqual([got.status, got.error?.retryAfter], [502, 90_000])
    lab.wasAsked('/s', 1)
  })

  it('counts failures anew when the body has grown', async () => {
    const fail = { status: 503 }
    const seven = Array.from({ length: 7 }, () => fail)
    lab.origin.script('/s', [
      ...seven,
      { body, etag: '"1"', cut: { after: 10_000 } },
      ...seven,
      { cut: { after: 10_000 } },
      ...seven,
      {},
    ])
    const got = await lab.get(await lab.engine(), '/s')
    assert.ok(got.body.equals(body))
    lab.wasAsked('/s', 24)
  })

  it('does not count anew for a byte that was there already', async () => {
    const cut = { after: 10_000 }
    lab.origin.script('/s', [{ body, ranges: false, cut }])
    const got = await lab.get(await lab.engine(), '/s')
    assert.ok(got.body.equals(body.subarray(0, 10_000)))
    assert.equal(got.status, 502)
    assert.ok(lab.asked('/s').length > 20)
  })
})
