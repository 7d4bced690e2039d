/** Small downloads that are followed from another engine while their owner stops and starts at random. */

import { openEngine } from '#kiss/engine/open.js'
import type { Engine } from '#kiss/engine/types.js'
import type { ParallelTerms } from '#kiss/flight/parallel.js'
import { HastyClock } from '../../support/engine.js'
import { bytes, sha256, type Origin } from '../../support/origin.js'
import { getUrl } from './lab.js'

export interface WakeupOptions {
  readonly origin: Origin
  readonly cacheDir: string
  readonly seed: number
  /** Downloads in all. */
  readonly count: number
  /** At a time. */
  readonly parallel: number
  /** Bytes of the largest body. */
  readonly largest?: number
  /** Of every engine. */
  readonly ranges?: Partial<ParallelTerms> | undefined
  readonly onDone?: (done: number) => void
}

export interface WakeupResult {
  readonly followed: number
  readonly stops: number
  readonly wrong: readonly string[]
}

/** Milliseconds without any download coming to its end: somebody was not woken. */
const HANG = 20_000
/** An owner is stopped after at most this number of downloads has begun. */
const DOWNLOADS_PER_OWNER = 10

/** Throws when nothing ends any more. */
export async function runWakeups(options: WakeupOptions): Promise<WakeupResult> {
  const { origin, cacheDir, seed, count, parallel, largest = 3000, ranges, onDone } = options
  const random = mulberry(seed)
  // One for all: each would run ahead of the others by its own pauses.
  const clock = new HastyClock()
  const open = (): Promise<Engine> =>
    openEngine({
      cacheDir,
      clock,
      upstream: { guard: false, env: {} },
      warn: () => undefined,
      ...(ranges && { parallel: ranges }),
    })
  let owner = await open()
  const followers = [await open(), await open()]
  const wrong: string[] = []
  let next = 0
  let done = 0
  let followed = 0
  let stops = 0

  const one = async (): Promise<void> => {
    const name = `/${seed}/${next++}`
    const size = Math.floor(random() * largest)
    const body = bytes(name, size)
    const framing = random() < 0.5 ? 'length' : 'chunked'
    const cut = random() < 0.3 && size > 0 ? { cut: { after: Math.floor(random() * size) } } : {}
    origin.script(name, [{ body, framing, ...(random() < 0.5 ? { etag: '"1"' } : {}), ...cut }, {}])
    const asked = [owner, ...followers]
    const got = await Promise.all(asked.map((kiss) => getUrl(kiss, origin.url(name))))
    for (const [i, { body: bytes, code, as }] of got.entries()) {
      if (as === 'collapsed') followed++
      // The owner that is stopped ends its own readers.
      if (code === 'interrupted' && i === 0) continue
      if (code !== undefined || sha256(bytes) !== sha256(body))
        wrong.push(`${name} of ${size} bytes, reader ${i}: ${code ?? `${bytes.length} bytes`}`)
    }
    done++
    onDone?.(done)
  }

  const stop = async (): Promise<void> => {
    const old = owner
    owner = await open()
    await old.close()
    stops++
  }

  // An engine costs more time to open than a download takes: each owner serves a few.
  let stopping = Promise.resolve()
  let untilStop = 0
  const work = async (): Promise<void> => {
    while (next < count) {
      if (untilStop-- === 0) {
        untilStop = Math.floor(random() * DOWNLOADS_PER_OWNER)
        stopping = stopping.then(stop)
      }
      await one()
    }
  }
  await Promise.race([
    Promise.all(Array.from({ length: parallel }, work)).then(() => stopping),
    hanging(
      () => done,
      () => done >= count,
    ),
  ])
  await Promise.all([owner, ...followers].map((kiss) => kiss.close()))
  return { followed, stops, wrong }
}

async function hanging(done: () => number, over: () => boolean): Promise<void> {
  for (;;) {
    const before = done()
    await new Promise((resolve) => setTimeout(resolve, HANG).unref())
    if (over()) return
    if (done() === before) throw new Error(`hanging: ${before} downloads have ended, and no more for ${HANG / 1000} s`)
  }
}

/** Numbers in [0, 1), the same for the same seed. */
export function mulberry(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
