/** What an error of SQLite means to the index; pure. */

import { KissError } from '../../errors.js'

export type IndexFault =
  /** The file is not a usable database: a new one has to take its place. */
  | 'damaged'
  /** Another process has held it for longer than the busy timeout. */
  | 'locked'
  /** It, or something beside it, cannot be opened: perhaps damaged, perhaps the directory, perhaps too many open files. */
  | 'unopenable'
  /** The disk, the permissions: a new file would fare no better. */
  | 'failing'

/** undefined where the error is not SQLite's. */
export function faultOf(error: unknown): IndexFault | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  if (code?.startsWith('SQLITE_') !== true) return undefined
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) return 'damaged'
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'locked'
  if (code.startsWith('SQLITE_CANTOPEN')) return 'unopenable'
  return 'failing'
}

/** An error of SQLite, or of the file system around it, as a KissError; others as they are. */
export function indexError(error: unknown): unknown {
  if (!(error instanceof Error) || !('errno' in error)) return error
  return new KissError('disk', `the index of the cache directory failed: ${error.message}`, { cause: error })
}
