import assert from 'node:assert/strict'
import { failed, grown, isPassing, pause, started, type RetryState } from '#kiss/flight/retry.js'

const MINUTE = 60_000

function after(failures: number, state: RetryState = started(0)): RetryState {
  return failures === 0 ? state : after(failures - 1, failed(state))
}

function wait(failures: number, more: Partial<Parameters<typeof pause>[1]> = {}): number | undefined {
  return pause(after(failures), { now: 0, retryAfter: undefined, random: 1, retryFor: 10 * MINUTE, ...more })
}

describe('retry', () => {
  it('takes fourteen statuses for passing, and no others', () => {
    const passing = Array.from({ length: 600 }, (_, status) => status).filter(isPassing)
    assert.deepEqual(passing, [408, 413, 420, 425, 429, 430, 500, 502, 503, 504, 507, 509, 529, 598])
  })

  it('doubles from half a second to thirty seconds', () => {
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((failures) => wait(failures)),
      [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000],
    )
  })

  it('takes up to half of a pause away by chance', () => {
    assert.equal(wait(3, { random: 0 }), 1000)
    assert.equal(wait(3, { random: 0.5 }), 1500)
  })

  it('goes on however often it failed, as long as there is time', () => {
    assert.equal(wait(100), 30_000)
    assert.equal(wait(100, { now: 10 * MINUTE }), undefined)
  })

  it('makes the last attempt when the time is almost over', () => {
    assert.equal(wait(8, { now: 9.9 * MINUTE }), 6000)
    assert.equal(wait(8, { now: 9.9 * MINUTE, retryAfter: 7000 }), undefined)
  })

  it('believes after two more tries that there is no such host, and at once nothing else of a resolver', () => {
    const saying = (...codes: (string | undefined)[]): number | undefined =>
      pause(
        codes.reduce<RetryState>((state, code) => failed(state, code), started(0)),
        { now: 0, retryAfter: undefined, random: 1, retryFor: 10 * MINUTE },
      )
    const [no, again] = ['ENOTFOUND', 'EAI_AGAIN']
    assert.deepEqual([saying(no), saying(no, no), saying(no, no, no)], [500, 1000, undefined])
    assert.deepEqual(
      [saying(again, again, again), saying(no, no, undefined), saying(no, no, again, no)],
      [2000, 2000, 4000],
    )
    assert.equal(saying(undefined, undefined, no, no, no), undefined)
    // What has begun is not given up for that sooner than for anything else.
    for (const begun of [grown(0), started(0, true)]) {
      const state = Array<string>(8)
        .fill(no)
        .reduce<RetryState>((state, code) => failed(state, code), begun)
      assert.equal(pause(state, { now: 0, retryAfter: undefined, random: 1, retryFor: 10 * MINUTE }), 30_000)
    }
  })

  it('counts anew when the body grew', () => {
    const state = failed(grown(1000))
    assert.equal(pause(state, { now: 1000, retryAfter: undefined, random: 1, retryFor: MINUTE }), 500)
  })

  it('waits as long as the origin asks, up to two minutes', () => {
    assert.equal(wait(1, { retryAfter: 7000 }), 7000)
    assert.equal(wait(5, { retryAfter: 1000 }), 8000)
    assert.equal(wait(1, { retryAfter: 86_400_000 }), 120_000)
  })

  it('ends when the time since the body last grew is over, however old the transfer is', () => {
    const state = failed(grown(100 * MINUTE))
    const at = (now: number): number | undefined =>
      pause(state, { now, retryAfter: undefined, random: 1, retryFor: 10 * MINUTE })
    assert.equal(at(109 * MINUTE), 500)
    assert.equal(at(110 * MINUTE), undefined)
  })
})
