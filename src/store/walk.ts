/** Reads the names and sizes of the files below `blobs/`. */

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../errors.js'
import { unlessMissing } from './files.js'
import type { Layout } from './layout.js'
import type { KeyId, Sha256 } from './types.js'

const BLOB_NAME = /^[0-9a-f]{64}$/
const DESCRIPTION_NAME = /^([0-9a-f]{64})\.([0-9a-f]{64}(?:-[0-9a-f]{32})*)\.json$/

/** The names in `blobs/` and in every folder below it, folder by folder. */
export async function* blobFolders(layout: Layout): AsyncIterable<{ folder: string; names: string[] }> {
  const folders = await namesIn(layout.blobs)
  yield { folder: layout.blobs, names: folders }
  for (const folder of folders) {
    const path = join(layout.blobs, folder)
    yield { folder: path, names: await namesIn(path) }
  }
}

/** Is this the place of the blob whose sum is `name`? */
export function isBlobName(layout: Layout, folder: string, name: string): name is Sha256 {
  return BLOB_NAME.test(name) && layout.blob(name) === join(folder, name)
}

/** undefined for any other file name. */
export function parseDescriptionName(name: string): { readonly sha256: Sha256; readonly id: KeyId } | undefined {
  const [, sha256, id] = DESCRIPTION_NAME.exec(name) ?? []
  return sha256 === undefined || id === undefined ? undefined : { sha256, id }
}

/** Sorted; empty if the path does not lead to a folder. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return []
    throw error
  }
}

/** Bytes; undefined if there is no such file. */
export async function fileSize(path: string): Promise<number | undefined> {
  return (await unlessMissing(stat(path)))?.size
}
