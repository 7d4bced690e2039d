/** Sets a damaged index aside, once, while other processes may be opening or using it. */

import { open, rename, rm, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { asKissError, systemCode } from '../../errors.js'
import { faultOf } from './faults.js'
import type { Layout } from '../layout.js'
import { logIsCut } from './write-ahead-log.js'

/** How long a set-aside may take, in milliseconds, before its process counts as dead. It is a few renames. */
const LOCK_PATIENCE = 2_000
const LOCK_POLL = 20

/** The inode of a file; undefined where there is none. */
export async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Whether a new file in its place would help. */
export async function replaceable(error: unknown, file: string): Promise<boolean> {
  const fault = faultOf(error)
  if (fault === 'damaged' || fault === 'locked') return true
  if (fault === 'failing') return logIsCut(file)
  if (fault !== 'unopenable') return false
  // SQLite does not say why. A directory of that name and a file of somebody else can be moved away; a lack of
  // descriptors or a read-only file system cannot.
  try {
    await (await open(file, 'r+')).close()
    return false
  } catch (reason) {
    if (systemCode(reason) === 'EROFS') throw asKissError(reason, 'disk', 'the cache directory cannot be written')
    return ['EISDIR', 'EACCES', 'EPERM', 'ELOOP'].includes(systemCode(reason) ?? '')
  }
}

/** Waits until nobody is setting the index aside. Whoever opens it asks before, and again before using it. */
export async function setAsideEnded(layout: Layout): Promise<void> {
  const first = await inodeOf(layout.indexLock)
  if (first === undefined) return
  for (let waited = 0; waited < LOCK_PATIENCE; waited += LOCK_POLL) {
    await sleep(LOCK_POLL)
    if ((await inodeOf(layout.indexLock)) !== first) return setAsideEnded(layout)
  }
  await rm(layout.indexLock, { force: true })
}

/**
 * Renames the index and what SQLite keeps beside it, if it is still the file of that inode; returns the new name, or undefined
 * where another process was first.
 *
 * 1. The lock file is created; who fails waits for it and is done.
 * 2. The inode is compared under the lock, so that nobody sets a new index aside for the faults of an old one.
 * 3. The database goes first, -wal and -shm follow. A process that opens the path in between creates an empty file, for
 *    which SQLite drops a stale -wal; it looks at the lock again before it writes, and then waits for the end of this.
 * 4. Killed in between, the lock file is left; the next one removes it after LOCK_PATIENCE.
 *
 * Who still has the old file open is told by the generation file, and reopens. SQLite does not touch the new -wal on closing
 * the old file, since it sees that the file has moved.
 */
export async function setAside(layout: Layout, inode: number, stamp: string): Promise<string | undefined> {
  try {
    await (await open(layout.indexLock, 'wx')).close()
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    await setAsideEnded(layout)
    return undefined
  }
  try {
    if ((await inodeOf(layout.index)) !== inode) return undefined
    const aside = `${layout.index}.damaged-${stamp}`
    await rename(layout.index, aside)
    for (const suffix of ['-wal', '-shm', '-journal']) await renameIfThere(layout.index + suffix, aside + suffix)
    return aside
  } finally {
    await rm(layout.indexLock, { force: true })
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
