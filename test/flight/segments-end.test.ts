/** The end of a download by ranges while connections are still open. */
import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { Parallel } from '#kiss/flight/parallel.js'
import type { Opened } from '#kiss/flight/segment.js'
import { Segments } from '#kiss/flight/segments.js'
import { latch } from '../support/latch.js'

const KiB = 1024
const CHUNK = Buffer.alloc(16 * KiB)
const MEMORY = 1024 * KiB

/** A connection that brings all bytes of its range at once, and whose end takes until `closed`. */
function connection(bytes: number, closed: Promise<void>, exact: boolean): Opened {
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes; at += CHUNK.length) {
      await turn()
      yield CHUNK.subarray(0, bytes - at)
    }
  }
  return { body: { [Symbol.asyncIterator]: chunks }, exact, discard: () => closed }
}

describe('a download by ranges that is given up', () => {
  it('opens no connection, and gives back its memory, when a connection ends after it', async () => {
    const closed = latch()
    let now = 0
    const terms = {
      connections: 2,
      least: 64 * KiB,
      smallest: 64 * KiB,
      largest: 64 * KiB,
      interval: 1,
      memory: MEMORY,
    }
    const parallel = new Parallel({ ...terms, fast: Infinity }, () => now)
    const length = 4096 * KiB
    let requests = 0
    const second = latch()
    const segments = new Segments({
      first: connection(length, Promise.resolve(), false),
      url: new URL('https://origin.example/f'),
      position: 0,
      length,
      parallel,
      now: () => now++,
      open: async ({ at, end }) => {
        if (++requests === 1) second.open()
        return connection(end - at, closed.opened, true)
      },
      waste: () => undefined,
      running: () => undefined,
    })
    const reading = segments.read()
    const reads = async (): Promise<void> => {
      while (requests === 0) await reading.next()
    }
    await reads()
    await second.opened
    // All of its bytes have arrived, and the connection is not closed yet.
    for (let i = 0; i < 10; i++) await turn()
    await reading.return(undefined)
    const before = requests
    closed.open()
    for (let i = 0; i < 10; i++) await turn()
    assert.equal(requests, before)
    assert.ok(parallel.take(MEMORY), 'not all of the memory was given back')
  })
})
