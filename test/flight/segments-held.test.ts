/** Ranges in parallel without a network: what they hold in memory, and how often a slow one is asked for again. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { Parallel, type ParallelTerms } from '#kiss/flight/parallel.js'
import type { Opened } from '#kiss/flight/segment.js'
import { Segments } from '#kiss/flight/segments.js'
import { bytes, sha256 } from '../support/bytes.js'

const KiB = 1024
const MiB = 1024 * KiB
const CHUNK = 16 * KiB
const URL_OF_ALL = new URL('https://origin.example/f')

/** Counts the memory that segments were given. */
class Watched extends Parallel {
  peak = 0
  #used = 0
  override take(bytes: number): boolean {
    const taken = super.take(bytes)
    if (taken) this.#used += bytes
    this.peak = Math.max(this.peak, this.#used)
    return taken
  }
  override give(bytes: number): void {
    super.give(bytes)
    this.#used -= bytes
  }
}

interface Download {
  readonly body: Buffer
  readonly parallel: Parallel
  /** Before each chunk of a connection. */
  readonly pace: (connection: number) => Promise<unknown>
  /** Places for connections; default: for any number. */
  readonly places?: number
  readonly now?: () => number
}

interface Made {
  readonly sum: string
  /** Bytes that connections brought. */
  readonly brought: number
  readonly wasted: number
  /** Where each connection began. */
  readonly starts: readonly number[]
  readonly most: number
  /** Number of connections that were open when each began. */
  readonly together: readonly number[]
}

/** Reads a body to its end by segments. @param held told of bytes that arrive, and of those that are given out (negative) */
async function read(
  { body, parallel, pace, places = Infinity, now = () => performance.now() }: Download,
  held: (bytes: number) => void = () => undefined,
): Promise<Made> {
  const starts: number[] = []
  const together: number[] = []
  let [brought, wasted, most, active] = [0, 0, 0, 0]
  const connection = (start: number, end: number): Opened => {
    if (active >= places) throw Object.assign(new Error('no place'), { code: 'ERR_NO_ROOM' })
    const number = starts.push(start)
    const closed = new AbortController()
    together.push(++active)
    closed.signal.addEventListener('abort', () => active--, { once: true })
    async function* chunks(): AsyncGenerator<Buffer> {
      for (let at = start; at < end && !closed.signal.aborted; at += CHUNK) {
        await pace(number)
        closed.signal.throwIfAborted()
        const chunk = body.subarray(at, Math.min(at + CHUNK, end))
        brought += chunk.length
        held(chunk.length)
        yield chunk
      }
    }
    return {
      body: { [Symbol.asyncIterator]: chunks },
      exact: end < body.length,
      discard: async () => closed.abort(),
    }
  }
  const segments = new Segments({
    first: connection(0, body.length),
    url: URL_OF_ALL,
    position: 0,
    length: body.length,
    parallel,
    now,
    open: async ({ at, end }) => connection(at, end),
    waste: (n) => (wasted += n),
    running: (n) => (most = Math.max(most, n)),
  })
  const hash = createHash('sha256')
  for await (const chunk of segments.read()) {
    hash.update(chunk)
    held(-chunk.length)
    await turn()
  }
  return { sum: hash.digest('hex'), brought, wasted, starts, most, together }
}

describe('segments', () => {
  const terms: Partial<ParallelTerms> = { connections: 8, least: 64 * KiB, interval: 4, fast: Infinity }

  it('hold no more than the memory of all downloads together', async () => {
    const memory = MiB
    const parallel = new Watched({ ...terms, memory, smallest: 128 * KiB, largest: 256 * KiB }, () => performance.now())
    let [now, peak] = [0, 0]
    const held = (bytes: number): void => {
      now += bytes
      peak = Math.max(peak, now)
    }
    const bodies = ['a', 'b', 'c'].map((seed) => bytes(seed, 8 * MiB))
    // The first connection of each is slow, so that what comes behind it has to wait.
    const pace = async (number: number): Promise<void> => {
      if (number === 1) await sleep(1)
      else await turn()
    }
    const made = await Promise.all(bodies.map((body) => read({ body, parallel, pace }, held)))
    for (const [index, { sum }] of made.entries()) assert.equal(sum, sha256(bodies[index]!))
    // A download that finds no memory has one connection.
    assert.ok(
      made.some(({ most }) => most > 1),
      'one connection',
    )
    assert.ok(parallel.peak > 0 && parallel.peak <= memory, `${parallel.peak} bytes were given`)
    // The connection that is read from needs no memory of these: it has 1 MiB of its own, and a chunk.
    assert.ok(peak <= memory + bodies.length * (MiB + CHUNK), `${peak} bytes were held`)
    assert.ok(parallel.take(memory), 'not all of the memory was given back')
  })

  it('hold no more than the share of the body that a node may lose', async () => {
    for (const [ahead, most] of [
      [1 / 8, 8],
      [1 / 32, 2],
      [1 / 64, 1],
    ] as const) {
      const body = bytes(`ahead-${ahead}`, 8 * MiB)
      const parallel = new Parallel({ ...terms, ahead, smallest: 128 * KiB, largest: 512 * KiB }, () =>
        performance.now(),
      )
      assert.equal(parallel.termsFor(body.length).connections, most)
      let [now, peak] = [0, 0]
      const held = (bytes: number): void => {
        now += bytes
        peak = Math.max(peak, now)
      }
      // Each third connection is slow, so that those behind it have to wait.
      const pace = async (number: number): Promise<void> => {
        if (number % 3 === 1) await sleep(1)
        else await turn()
      }
      const made = await read({ body, parallel, pace }, held)
      assert.equal(made.sum, sha256(body))
      assert.equal(made.most > 1, most > 1)
      assert.ok(peak <= ahead * body.length + CHUNK, `${peak} bytes ahead of the file`)
    }
  })

  it('ask once more for one that is much slower than its siblings, and bring less than 1 % twice', async () => {
    const body = bytes('slow', 32 * MiB)
    const parallel = new Parallel({ ...terms, interval: 20, smallest: MiB, largest: MiB, memory: 32 * MiB }, () =>
      performance.now(),
    )
    const slow = new Set<number>()
    const pace = async (number: number): Promise<void> => {
      // Each ninth connection hardly sends; the next one for the same bytes does.
      if (number % 9 === 0) slow.add(number)
      await sleep(slow.has(number) ? 50 : 1)
    }
    // A second of the segments is a fiftieth of ours.
    const made = await read({ body, parallel, pace, now: () => performance.now() * 50 })
    assert.equal(made.sum, sha256(body))
    assert.ok(slow.size > 0)
    // What is asked for again begins in the middle of a segment: the first connection brings less than a MiB alone.
    const [, second = 0] = made.starts
    const again = made.starts.slice(1).filter((start) => (start - second) % MiB !== 0)
    assert.ok(again.length > 0 && again.length <= slow.size + 1, `${again.length} of ${slow.size}`)
    assert.ok(made.brought - body.length <= body.length / 100, `${made.brought - body.length} bytes twice`)
    assert.ok(made.wasted <= body.length / 100)
  })

  it('use every place that there is, however many connections found none', async () => {
    const body = bytes('places', 16 * MiB)
    const parallel = new Parallel({ ...terms, smallest: 256 * KiB, largest: 256 * KiB }, () => performance.now())
    const made = await read({ body, parallel, pace: () => sleep(1), places: 3 })
    assert.equal(made.sum, sha256(body))
    const full = made.together.filter((number) => number === 3)
    assert.ok(full.length > made.together.length / 2, made.together.join(' '))
  })
})
