/** The permissions of files and directories that kiss makes in a cache directory. */

import type { Stats } from 'node:fs'

export interface Modes {
  readonly directory: number
  readonly file: number
  /** Finished bodies are never written to. */
  readonly blob: number
}

/** For the owner alone, since artifacts may be private. */
export const PRIVATE: Modes = { directory: 0o700, file: 0o600, blob: 0o400 }

/**
 * The group of a directory was set up by its administrator where the directory is setgid, or where the group of this process
 * may write to it and others may not, or may read it and others may not. The group gets below the rights that it has on the
 * directory.
 */
export function modesBelow({ mode, gid }: Pick<Stats, 'mode' | 'gid'>): Modes {
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
