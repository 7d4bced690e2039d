/** The file operations that the store needs beyond node:fs: plain reads on descriptors, atomic small files, permissions. */

import * as fs from 'node:fs'
import { open, rm as rmInPool, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from '../errors.js'
import { mkdir, rename, rm, writeFile } from './small-files.js'

// FileHandle adds a promise chain, an event emitter and a transfer list to each call; a hit is three calls long.

export function openFile(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, 'r', (error, fd) => (error === null ? resolve(fd) : reject(error)))
  })
}

export function statsOf(fd: number): Promise<fs.Stats> {
  return new Promise((resolve, reject) => {
    fs.fstat(fd, (error, stats) => (error === null ? resolve(stats) : reject(error)))
  })
}

export function readAt(fd: number, buffer: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, 0, buffer.byteLength, position, (error, n) => (error === null ? resolve(n) : reject(error)))
  })
}

export function closeFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.close(fd, (error) => (error ? reject(error) : resolve()))
  })
}

/**
 * Makes a directory and those above it. Node's own recursive mkdir says ENOENT where the file system is read-only, and
 * tries for ever in /proc.
 */
export async function makeDirectory(path: string, mode?: number): Promise<void> {
  try {
    await makeOne(path, mode)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error
    await makeDirectory(dirname(path), mode)
    await makeOne(path, mode)
  }
}

async function makeOne(path: string, mode?: number): Promise<void> {
  try {
    await mkdir(path, mode)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
}

/** undefined if the file or the directory does not exist. */
export async function unlessMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** As {@link unlessMissing}, for synchronous calls. */
export function ifThere<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Removes a directory and its files. @param large the file in it whose bytes the file system may free slowly */
export async function removeDirectory(path: string, large: string): Promise<void> {
  if (fs.existsSync(join(path, large))) await unlessMissing(unlink(join(path, large)))
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    if (systemCode(error) !== 'ENOTEMPTY') throw error
    // Another process created a file in it meanwhile. The synchronous call does not empty the directory again.
    await rmInPool(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 2 })
  }
}

/** The content of a small file. A partly written file reads as absent. */
export function readJson(path: string): unknown {
  const text = ifThere(() => fs.readFileSync(path, 'utf8'))
  return text === undefined ? undefined : parseOrUndefined(text)
}

/** Writes a small file as a whole or not at all. It is not synced: after a power loss it may be empty. */
export async function replaceFile(path: string, text: string, unique: string, mode: number): Promise<void> {
  const temporary = `${path}.${unique}.tmp`
  let moved = false
  try {
    await writeFile(temporary, text, { mode })
    await rename(temporary, path)
    moved = true
  } finally {
    if (!moved) await rm(temporary, { force: true })
  }
}

/** Brings a file to the disk. */
export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The value of a JSON text; undefined for any other text. */
export function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The file is empty or half written, and counts as absent.
    return undefined
  }
}

/** The permissions of files and directories that kiss makes in a cache directory. */
export interface Modes {
  readonly directory: number
  readonly file: number
  /** Finished bodies are never written to. */
  readonly blob: number
}

/** For the owner alone, since artifacts may be private. */
export const PRIVATE: Modes = { directory: 0o700, file: 0o600, blob: 0o400 }

/**
 * The group of a directory was set up by its administrator if the directory is setgid, or if the group of this process
 * may write to it and others may not, or may read it and others may not. The group gets below the rights that it has on the
 * directory.
 */
export function modesBelow({ mode, gid }: Pick<fs.Stats, 'mode' | 'gid'>): Modes {
  const setgid = mode & 0o2000
  const isForGroup = (mode & 0o022) === 0o020 || ((mode & 0o040) !== 0 && (mode & 0o007) === 0)
  if (setgid === 0 && !(isForGroup && gid === process.getegid?.())) return PRIVATE
  return {
    directory: PRIVATE.directory | setgid | (mode & 0o070),
    file: PRIVATE.file | (mode & 0o060),
    blob: PRIVATE.blob | (mode & 0o040),
  }
}

/** Removes the group from the umask, which usually denies it. The umask still applies to all other users. */
export function honour(modes: Modes): void {
  if (modes.directory === PRIVATE.directory) return
  const before = process.umask(0o077)
  process.umask(before & ~0o070)
}
