/** Reads a blob again and says whether its bytes are what its name says. */

import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { systemCode } from '../errors.js'
import type { Sha256 } from './types.js'

const CHUNK = 1024 * 1024

export interface CheckedBody {
  readonly whole: boolean
  /** Bytes. */
  readonly size: number
  /** Of the file that was read: by now another may have its name. */
  readonly inode: number
}

/** undefined where there is no such file, or no file. */
export async function checkBody(path: string, sha256: Sha256): Promise<CheckedBody | undefined> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const stats = await file.stat()
    if (!stats.isFile()) return undefined
    return { whole: (await sumOf(file)) === sha256, size: stats.size, inode: stats.ino }
  } finally {
    await file.close()
  }
}

/** undefined where the disk cannot read it back. */
async function sumOf(file: FileHandle): Promise<Sha256 | undefined> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(CHUNK)
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK, null)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, bytesRead))
    }
  } catch (error) {
    if (systemCode(error) === 'EIO') return undefined
    throw error
  }
}
