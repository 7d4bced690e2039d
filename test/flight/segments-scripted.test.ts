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
  const start = (open: (bytes: number, spare: boolean) => Opened, url = URL_OF_ALL) => {
    let now = 0
    const sizes = { least: 64 * KiB, smallest: 64 * KiB, largest: 64 * KiB }
    const terms = { connections: 2, interval: 2, memory: MEMORY, fast: Infinity, ...sizes }
    const parallel = new Parallel(
      terms,
      () => now,
      () => now,
    )
    let requests = 0
    const segments = new Segments({
      first: connection(LENGTH, false),
      url,
      position: 0,
      length: LENGTH,
      parallel,
      now: () => now++,
      open: async ({ at, end }, spare) => {
        requests++
        return open(end - at, spare)
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

  it('tries no more ranges of a signed URL that ends before one connection has brought the rest', async () => {
    const triesWith = async (expires: number): Promise<number> => {
      let tries = 0
      const { reading, move } = start(
        (bytes, spare) => {
          if (!spare) return connection(bytes, true)
          if (++tries > 5) throw new Unfit(403)
          throw Object.assign(new Error('no place'), { code: 'ERR_NO_ROOM' })
        },
        new URL(`${URL_OF_ALL.href}?Signature=a&Expires=${expires}`),
      )
      // A download goes on by one connection when it got no place for another, and tries again after five seconds.
      for await (const chunk of reading) if (tries > 0) move(chunk.length / 20)
      return tries
    }
    const all = await triesWith(1_000_000)
    const few = await triesWith(200)
    assert.ok(few < all, `${few} tries, and ${all} with a URL that does not end`)
  })
})
