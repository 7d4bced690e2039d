/**
 * A cache directory that cannot be written (part of an image, mounted read-only) serves its entries. SQLite has to write
 * beside an index that it only reads, so this process works on a copy of its own, which goes with it.
 */

import { access, chmod, constants, copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { KissError, systemCode } from '../errors.js'
import { unlessMissing, PRIVATE } from './files.js'
import { Layout } from './layout.js'

export async function isReadOnly({ root }: Layout): Promise<boolean> {
  try {
    await access(root, constants.W_OK)
    return false
  } catch (error) {
    return ['EROFS', 'EACCES'].includes(systemCode(error) ?? '')
  }
}

/** The same directory with an index elsewhere. Throws KissError `disk` if no directory for it can be had. */
export async function withOwnIndex(layout: Layout): Promise<Layout> {
  const folder = await temporaryFolder(layout)
  for (const file of [layout.index, layout.indexLog]) {
    const copy = join(folder, basename(file))
    await unlessMissing(copyFile(file, copy).then(() => chmod(copy, PRIVATE.file)))
  }
  return new Layout(layout.root, layout.instance, PRIVATE, folder)
}

export async function dropOwnIndex({ indexRoot }: Layout): Promise<void> {
  await rm(indexRoot, { recursive: true, force: true })
}

export function readOnlyError({ root }: Layout, cause?: unknown): KissError {
  return new KissError('disk', `the cache directory ${root} is read-only`, { cause })
}

async function temporaryFolder(layout: Layout): Promise<string> {
  let problem: unknown
  for (const place of [tmpdir(), '/dev/shm']) {
    try {
      return await mkdtemp(join(place, 'kiss-index-'))
    } catch (error) {
      problem = error
    }
  }
  throw readOnlyError(layout, problem)
}
