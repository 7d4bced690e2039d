/**
 * Handles a full disk: a file whose bytes can be freed, and further tries after evictions. SQLite needs some bytes to open the
 * index, and a removal has to read the index first.
 */

import { randomBytes } from 'node:crypto'
import { statfsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { KissError, systemCode } from '../errors.js'
import type { Layout } from './layout.js'
import type { Space } from './types.js'

/** Bytes: the map of SQLite's log (32 KiB), and a log of some small statements. */
const SIZE = 512 * 1024
/** Bytes free, below which a disk counts as full: less than the map of SQLite's log takes. */
const FULL = 64 * 1024

export class Slack {
  readonly #layout: Layout
  #isKept = false

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /** Takes the bytes if the disk has twice as many free. Never fails: a disk without slack works until it is full. */
  async keep(): Promise<void> {
    if (this.#isKept) return
    const file = this.#layout.slack
    try {
      const free = freeBytes(this.#layout.root)
      if (free === undefined || free < 2 * SIZE) return
      // Random, since some file systems store no zeros.
      await writeFile(file, randomBytes(SIZE), { flag: 'wx', mode: this.#layout.modes.file })
      this.#isKept = true
    } catch (error) {
      this.#isKept = systemCode(error) === 'EEXIST'
      if (!this.#isKept) await rm(file, { force: true }).catch(() => undefined)
    }
  }

  /** Frees the bytes if the error means a full disk. True if the operation may be tried again. */
  async give(error: unknown): Promise<boolean> {
    if (!isFull(error, this.#layout.root)) return false
    try {
      await rm(this.#layout.slack)
      return true
    } catch {
      return false
    } finally {
      this.#isKept = false
    }
  }
}

/** Bytes free on the file system of a directory; undefined if the system does not say. */
export function freeBytes(directory: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(directory)
    return bavail * bsize
  } catch {
    return undefined
  }
}

/** Free inodes below which a full disk counts as one without: a download makes eight files, and many come at once. */
const FEW_INODES = 256

/** Has the file system of a directory nearly no free inodes? Some have no fixed number of them. */
export function lacksInodes(directory: string): boolean {
  try {
    const { files, ffree } = statfsSync(directory)
    return files > 0 && ffree < FEW_INODES
  } catch {
    return false
  }
}

/** Does the error mean that the disk of the directory is full? SQLite reports an I/O error, or that it cannot open a file. */
function isFull(error: unknown, directory: string): boolean {
  const code = systemCode(error) ?? ''
  if (['ENOSPC', 'EDQUOT'].includes(code) || code.startsWith('SQLITE_FULL')) return true
  if (!code.startsWith('SQLITE_IOERR') && !code.startsWith('SQLITE_CANTOPEN')) return false
  const free = freeBytes(directory)
  return free !== undefined && free < FULL
}

/** A KissError if the disk is full; any other error unchanged. */
export function asFullDisk(error: unknown, directory: string): unknown {
  if (!isFull(error, directory)) return error
  return new KissError('disk', `the disk of ${directory} is full`, {
    cause: error,
    hint: 'free some space, or remove entries with "kiss purge"',
  })
}

/** Bytes of a step: a few rows and small files, and the map of SQLite's log. */
const STEP = 128 * 1024

/** Evictions for one step: a disk without free inodes gets two of a large body, and a step may make eight files. */
const EVICTIONS = 5

/** Runs `step`, and again after an eviction as long as the disk is full. */
export async function withRoom<T>(space: Pick<Space, 'relieve'>, step: () => Promise<T>): Promise<T> {
  for (let left = EVICTIONS; ; left--) {
    try {
      return await step()
    } catch (error) {
      if (left === 0 || !['ENOSPC', 'EDQUOT', 'SQLITE_FULL'].includes(systemCode(error) ?? '')) throw error
      if (!(await space.relieve(STEP))) throw error
    }
  }
}
