/** The number of connections of a download, as its rate decides it. */
import assert from 'node:assert/strict'
import { Pace } from '#kiss/flight/pace.js'
import { Parallel } from '#kiss/flight/parallel.js'

const MiB = 1024 * 1024
/** Milliseconds between two observations. */
const TICK = 25

describe('the pace of a download', () => {
  /** A download whose total rate depends on its connections. */
  class Download {
    now = 0
    received = 0
    readonly pace: Pace

    constructor(readonly rateOf: (connections: number) => number) {
      this.pace = new Pace(new Parallel({}, () => this.now).terms, () => this.now)
      this.pace.begin(rateOf(1))
    }

    /** Lets time pass; every connection brings bytes at once. @param possible number of connections that find memory */
    pass(ms: number, possible = Infinity): void {
      for (const end = this.now + ms; this.now < end;) {
        this.now += TICK
        const running = Math.min(this.pace.limit, possible)
        this.received += (this.rateOf(running) * TICK) / 1000
        this.pace.observe({ running, begun: true, received: this.received, full: running < this.pace.limit })
      }
    }
  }

  it('has a second connection first, and all of them when that one has brought a byte', () => {
    const { pace } = new Download((n) => n * 5 * MiB)
    assert.equal(pace.limit, 2)
    pace.observe({ running: 2, begun: false, received: MiB, full: false })
    assert.equal(pace.limit, 2)
    pace.observe({ running: 2, begun: true, received: MiB, full: false })
    assert.equal(pace.limit, 8)
  })

  for (const [what, rateOf, connections] of [
    ['all connections if the rate grows by them', (n) => n * 5 * MiB, 8],
    ['all connections if the rate grows by most of them', (n) => Math.min(n, 5) * 5 * MiB, 8],
    ['as many connections as the rate needs', (n) => Math.min(n, 3) * 5 * MiB, 3],
    ['one connection if the rate does not grow', () => 5 * MiB, 1],
  ] as const satisfies readonly (readonly [string, (n: number) => number, number])[]) {
    it(`keeps ${what}`, () => {
      const download = new Download(rateOf)
      download.pass(1_000)
      assert.equal(download.pace.limit, connections)
    })
  }

  for (const [what, rateOf, connections] of [
    ['those that run if the rate grows by them', (n) => n * 5 * MiB, 3],
    ['one connection if the rate does not grow', () => 5 * MiB, 1],
  ] as const satisfies readonly (readonly [string, (n: number) => number, number])[]) {
    it(`keeps ${what} while other downloads use the memory, and tries more later`, () => {
      const download = new Download(rateOf)
      download.pass(1_000, 3)
      assert.equal(download.pace.limit, connections)
      download.pass(5_000, 3)
      assert.equal(download.pace.isDue, true)
      download.pace.again(5 * MiB)
      download.pass(1_000)
      assert.equal(download.pace.limit, connections === 1 ? 1 : 8)
    })
  }

  it('is tried again with more connections after a while, and the pause doubles', () => {
    const download = new Download(() => 5 * MiB)
    const pauses: number[] = []
    for (let i = 0; i < 3; i++) {
      download.pass(1_000)
      const since = download.now
      while (!download.pace.isDue) download.pass(TICK)
      pauses.push(Math.round((download.now - since) / 1_000))
      download.pace.again(5 * MiB)
      assert.equal(download.pace.limit, 2)
    }
    assert.deepEqual(pauses, [5, 10, 20])
  })

  it('is not tried again with more connections if all are in use', () => {
    const download = new Download((n) => n * 5 * MiB)
    download.pass(100_000)
    assert.equal(download.pace.isDue, false)
  })
})
