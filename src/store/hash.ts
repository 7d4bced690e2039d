/** Reads a blob again and compares the sum of its bytes with its name. */

import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { systemCode } from '../errors.js'
import { stampOf } from './blobs.js'
import { unlessMissing } from './files.js'
import type { Sha256 } from './types.js'

const CHUNK = 1024 * 1024

export interface CheckedBody {
  readonly whole: boolean
  /** Bytes. */
  readonly size: number
  /** The stamp of the file that was read; another file may have taken its place since. */
  readonly stamp: string
}

/** undefined if the path does not lead to a regular file. */
export async function checkBody(path: string, sha256: Sha256): Promise<CheckedBody | undefined> {
  const file = await unlessMissing(open(path, 'r'))
  if (file === undefined) return undefined
  try {
    const stats = await file.stat()
    if (!stats.isFile()) return undefined
    const sum = await sumOf(async (buffer, position) => (await file.read(buffer, 0, buffer.length, position)).bytesRead)
    return { whole: sum === sha256, size: stats.size, stamp: stampOf(stats) }
  } finally {
    await file.close()
  }
}

/** `read` resolves with 0 at the end. undefined if the disk cannot read the bytes. */
export async function sumOf(
  read: (buffer: Uint8Array, position: number) => Promise<number>,
): Promise<Sha256 | undefined> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(CHUNK)
  try {
    for (let position = 0; ;) {
      const bytes = await read(buffer, position)
      if (bytes === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, bytes))
      position += bytes
    }
  } catch (error) {
    if (systemCode(error) === 'EIO') return undefined
    throw error
  }
}
