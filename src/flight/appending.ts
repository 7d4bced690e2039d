/** Appends bytes to a file without stopping the process where the disk is slow. */

import * as fs from 'node:fs'
import { atMost } from '../waits.js'

/**
 * Bytes up to which a write is synchronous. They go into the page cache in 10 to 40 µs. While 500 downloads waited for the four
 * threads of the pool, 1 MiB of each could wait in memory: the process took 614 MiB, and takes 408 with this and with shared
 * statements of the index (store/index/batch.ts).
 */
const SMALL = 64 * 1024
/**
 * Milliseconds of a synchronous write that show a slow disk: Linux makes a writer wait, up to 200 ms at a time, when the pages
 * that the disk has not taken yet are too many.
 */
const SLOW = 10
/** Milliseconds without a synchronous write after a slow one: the event loop waits for at most one write in this time. */
const SLOW_FOR = 10_000
/**
 * Writes in the thread pool at a time. The other two of its four threads read bodies and the index: with 20 downloads of 1 MB/s to
 * a disk that took 1 MB/s, a hit of 2 MB took 1,600 ms with a write in each thread, and 9 ms with this.
 */
const AT_ONCE = 2

/** Milliseconds of `performance.now()`: the time until which the disk counts as slow. */
let slowUntil = -Infinity
const inTurn = atMost(AT_ONCE)

/** Resolves with the number of bytes written, which may be fewer. @param bytes of all buffers */
export async function appendTo(file: number, buffers: readonly Buffer[], bytes: number): Promise<number> {
  const start = performance.now()
  if (bytes > SMALL || start < slowUntil) return inThreadPool(file, buffers)
  const written = fs.writevSync(file, buffers)
  const end = performance.now()
  if (end - start >= SLOW) slowUntil = end + SLOW_FOR
  return written
}

function inThreadPool(file: number, buffers: readonly Buffer[]): Promise<number> {
  return inTurn(
    () =>
      new Promise((resolve, reject) => {
        fs.writev(file, buffers, null, (error, written) => (error === null ? resolve(written) : reject(error)))
      }),
  )
}
