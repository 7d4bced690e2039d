/** The meaning of an error for the index; pure. */

import { KissError, systemCode } from '../../errors.js'

export type IndexFault =
  /** The file is not a usable database: a new one has to take its place. */
  | 'damaged'
  /** Another process has held it for longer than the busy timeout. */
  | 'locked'
  /** The disk, the permissions or too many open files: a new file would fail as well. */
  | 'failing'

/** undefined where the error is not SQLite's. */
export function faultOf(error: unknown): IndexFault | undefined {
  const code = systemCode(error)
  if (code?.startsWith('SQLITE_') !== true) return undefined
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) return 'damaged'
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'locked'
  return 'failing'
}

/** Whether a new file in place of an index that could not be opened would help: a directory, or a file of another user. */
export function isReplaceable(error: unknown): boolean {
  return faultOf(error) === 'damaged' || ['EISDIR', 'EACCES', 'EPERM', 'ELOOP'].includes(systemCode(error) ?? '')
}

/** An error of SQLite, or of the file system around it, as a KissError; others as they are. */
export function indexError(error: unknown): unknown {
  if (!(error instanceof Error) || !('errno' in error)) return error
  if (faultOf(error) === 'locked')
    return new KissError('disk', 'another process holds the index of the cache directory', { cause: error })
  return new KissError('disk', `the index of the cache directory failed: ${error.message}`, { cause: error })
}
