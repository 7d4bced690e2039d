/** Downloads by ranges from scripted connections: a refused range, and the end of the download. */
import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { Parallel } from '#kiss/flight/parallel.js'
import { Unfit, type Opened } from '#kiss/flight/segment.js'
import { Segments } from '#kiss/flight/segments.js'
import { latch } from '../support/latch.js'

const KiB = 1024
const CHUNK = Buffer.alloc(16 * KiB)
const LENGTH = 4096 * KiB
const MEMORY = 1024 * KiB
const URL_OF_ALL = new URL('https://origin.example/f')

/** A connection that brings the bytes of its range, and whose end takes until `closed`. */
function connection(bytes: number, exact: boolean, closed = Promise.resolve()): Opened {
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes; at += CHUNK.length) {
      await turn()
      yield CHUNK.subarray(0, bytes - at)
    }
  }
  return { body: { [Symbol.asyncIterator]: chunks }, exact, discard: () => closed }
}

describe('a download by ranges', () => {
  /** Each chunk of the first connection takes a millisecond. */
  const start = (open: (bytes: number) => Opened) => {
    let now = 0
    const sizes = { least: 64 * KiB, smallest: 64 * KiB, largest: 64 * KiB }
    const terms = { connections: 2, interval: 1, memory: MEMORY, fast: Infinity, ...sizes }
    const parallel = new Parallel(terms, () => now)
    let requests = 0
    const segments = new Segments({
      first: connection(LENGTH, false),
      url: URL_OF_ALL,
      position: 0,
      length: LENGTH,
      parallel,
      now: () => now++,
      open: async ({ at, end }) => {
        requests++
        return open(end - at)
      },
      waste: () => undefined,
      running: () => undefined,
    })
    return { parallel, reading: segments.read(), requests: () => requests, move: (ms: number) => (now += ms) }
  }

  for (const status of [200, 206, 429, 500, 503]) {
    it(`goes on by its first connection for a minute when the first range is answered wrongly by ${status}`, async () => {
      const { parallel, reading, requests, move } = start(() => {
        throw new Unfit(status)
      })
      let received = 0
      for await (const { length } of reading) received += length
      assert.equal(received, LENGTH)
      assert.equal(requests(), 1)
      assert.equal(parallel.admits(URL_OF_ALL), false)
      move(60_000)
      assert.equal(parallel.admits(URL_OF_ALL), true)
      assert.ok(parallel.take(MEMORY), 'not all of the memory was given back')
    })
  }

  it('opens no connection, and gives back its memory, when a connection ends after its reader has left', async () => {
    const closed = latch()
    const { parallel, reading, requests } = start((bytes) => connection(bytes, true, closed.opened))
    while (requests() === 0) await reading.next()
    // All bytes of the range have arrived, and the connection is not closed yet.
    for (let i = 0; i < 10; i++) await turn()
    await reading.return(undefined)
    const before = requests()
    closed.open()
    for (let i = 0; i < 10; i++) await turn()
    assert.equal(requests(), before)
    assert.ok(parallel.take(MEMORY), 'not all of the memory was given back')
  })
})
