/**
 * Changes of small files in the cache directory: made in this thread while the disk is quick, in the thread pool after a slow
 * one, so that a slow disk does not stop hits of bodies that are in memory.
 */

import * as fs from 'node:fs'
import * as pool from 'node:fs/promises'

/**
 * Milliseconds of a slow call. A call takes 10 to 30 µs on a quick disk, and a trip to the thread pool costs the event loop 130 µs.
 * A miss of 4 KiB makes about 60 calls.
 */
const SLOW = 2
/**
 * After a slow call, the calls go to the pool for so many times its duration: this thread waits for the disk 1 % of the time.
 * Without that, with 20 ms for each call and five misses a second, hits waited for up to 3.5 s.
 */
const REST = 100

export class Calls {
  readonly #now: () => number
  #restsUntil = -Infinity

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  async run<T>(here: () => T, inPool: () => Promise<T>): Promise<T> {
    const begun = this.#now()
    if (begun < this.#restsUntil) return inPool()
    try {
      return here()
    } finally {
      const ended = this.#now()
      if (ended - begun > SLOW) this.#restsUntil = ended + REST * (ended - begun)
    }
  }
}

const calls = new Calls()

export function writeFile(path: string, text: string, options: { mode?: number; flag?: string }): Promise<void> {
  return calls.run(
    () => fs.writeFileSync(path, text, options),
    () => pool.writeFile(path, text, options),
  )
}

export function rename(from: string, to: string): Promise<void> {
  return calls.run(
    () => fs.renameSync(from, to),
    () => pool.rename(from, to),
  )
}

/** @param time of the last read and the last change, seconds */
export function utimes(path: string, time: number): Promise<void> {
  return calls.run(
    () => fs.utimesSync(path, time, time),
    () => pool.utimes(path, time, time),
  )
}

export function mkdir(path: string, mode?: number): Promise<void> {
  return calls.run(
    () => fs.mkdirSync(path, mode),
    () => pool.mkdir(path, mode),
  )
}

export function rmdir(path: string): Promise<void> {
  return calls.run(
    () => fs.rmdirSync(path),
    () => pool.rmdir(path),
  )
}

export function rm(path: string, options: fs.RmOptions): Promise<void> {
  return calls.run(
    () => fs.rmSync(path, options),
    () => pool.rm(path, options),
  )
}

/** Opens a file to append to it. */
export function openToAppend(path: string, mode: number): Promise<number> {
  return calls.run(
    () => fs.openSync(path, 'a+', mode),
    () =>
      new Promise((resolve, reject) => {
        fs.open(path, 'a+', mode, (error, fd) => (error === null ? resolve(fd) : reject(error)))
      }),
  )
}
