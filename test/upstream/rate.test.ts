import assert from 'node:assert/strict'
import { systemClock } from '#kiss/clock.js'
import { Rate, type SpanClock } from '#kiss/upstream/rate.js'

/** A clock on which sleeping is all that takes time. */
function clock(): SpanClock & { time: number; slept: number[] } {
  const slept: number[] = []
  return {
    time: 1000,
    slept,
    monotonic() {
      return this.time
    },
    async sleep(ms) {
      slept.push(Math.round(ms))
      this.time += ms
    },
  }
}

const { signal } = new AbortController()

describe('the bandwidth cap', () => {
  it('lets bytes pass at the rate, after a short burst', async () => {
    const time = clock()
    const rate = new Rate(1000, time)
    for (let n = 0; n < 5; n++) await rate.take(100, signal)
    assert.deepEqual(time.slept, [100, 100, 100, 100])
    assert.equal(time.time, 1400)
  })

  it('forgets unused rate beyond the burst', async () => {
    const time = clock()
    const rate = new Rate(1000, time)
    await rate.take(100, signal)
    time.time += 60_000
    await rate.take(500, signal)
    assert.deepEqual(time.slept, [400])
  })

  it('makes everybody pay behind the one before', async () => {
    const waits: number[] = []
    const rate = new Rate(1000, { monotonic: () => 0, sleep: async (ms) => void waits.push(ms) })
    await Promise.all([rate.take(300, signal), rate.take(300, signal), rate.take(300, signal)])
    assert.deepEqual(waits, [200, 500, 800])
  })

  it('stops waiting for a reader that gave up', async () => {
    const gone = new AbortController()
    const rate = new Rate(1, systemClock)
    const taken = rate.take(1_000_000, gone.signal)
    gone.abort(new Error('gone'))
    await assert.rejects(taken, /gone/)
  })
})
