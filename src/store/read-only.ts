/**
 * A cache directory that cannot be written (part of an image, mounted read-only) serves its entries. SQLite has to write
 * beside an index that it only reads, so this process works on a copy of its own, which goes with it.
 */

import { access, chmod, constants, copyFile, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { asKissError, KissError, systemCode } from '../errors.js'
import { unlessMissing, PRIVATE } from './files.js'
import { Layout } from './layout.js'
import { freeBytes } from './slack.js'

export async function isReadOnly({ root, versionFile }: Layout): Promise<boolean> {
  try {
    await access(root, constants.W_OK)
  } catch (error) {
    return ['EROFS', 'EACCES'].includes(systemCode(error) ?? '')
  }
  // access(2) allows writing on an ext4 that an error of the disk has made read-only (`emergency_ro`).
  try {
    await (await open(versionFile, 'r+')).close()
    return false
  } catch (error) {
    return systemCode(error) === 'EROFS'
  }
}

/** Bytes that stay free beside the copy of the index: SQLite writes a log there. */
const ROOM = 1024 * 1024

/** The same directory with an index elsewhere. Throws KissError `disk` if no place for it can be had. */
export async function withOwnIndex(layout: Layout): Promise<Layout> {
  let problem: unknown
  for (const place of [tmpdir(), '/dev/shm']) {
    try {
      return new Layout(layout.root, layout.instance, PRIVATE, await copyIndex(layout, place))
    } catch (error) {
      problem ??= error
    }
  }
  const reason = `its index cannot be copied: ${asKissError(problem).message}`
  throw new KissError('disk', `the cache directory ${layout.root} is read-only, and ${reason}`, {
    cause: problem,
    hint: 'name a directory with room by TMPDIR',
  })
}

/** Resolves with the folder of the copy; leaves none if it fails. */
async function copyIndex(layout: Layout, place: string): Promise<string> {
  const folder = await mkdtemp(join(place, 'kiss-index-'))
  try {
    for (const file of [layout.index, layout.indexLog]) {
      const copy = join(folder, basename(file))
      await unlessMissing(copyFile(file, copy).then(() => chmod(copy, PRIVATE.file)))
    }
    if ((freeBytes(folder) ?? Infinity) < ROOM) throw new Error(`${place} is full`)
    return folder
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

export async function dropOwnIndex({ indexRoot }: Layout): Promise<void> {
  await rm(indexRoot, { recursive: true, force: true })
}

export function readOnlyError({ root }: Layout, cause?: unknown): KissError {
  return new KissError('disk', `the cache directory ${root} is read-only`, { cause })
}
