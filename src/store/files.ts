/** The file operations that the store needs beyond node:fs: plain reads on descriptors, atomic small files, one sync. */

import * as fs from 'node:fs'
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from '../errors.js'

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
  const make = async (): Promise<void> => {
    await mkdir(path, mode).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') throw error
    })
  }
  try {
    await make()
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error
    await makeDirectory(dirname(path), mode)
    await make()
  }
}

/** undefined where the file or the directory does not exist. */
export async function unlessMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Writes a small file at once or not at all. Not synced: readers must cope with an empty one after a power loss. */
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
