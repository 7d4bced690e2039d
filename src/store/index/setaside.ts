/** Sets a damaged index aside, once, while other processes may be opening or using it. */

import { open, rename, rm, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemCode } from '../../errors.js'
import { unlessMissing } from '../files.js'
import type { Layout } from '../layout.js'

/** How long a set-aside may take, in milliseconds, before its process counts as dead. It is a few renames. */
const LOCK_PATIENCE = 2_000
const LOCK_POLL = 20

/** The inode of a file; undefined if there is none. */
export async function inodeOf(path: string): Promise<number | undefined> {
  return (await unlessMissing(stat(path)))?.ino
}

/** Waits until no process is setting the index aside. A process asks this before it opens the index, and again before it uses it. */
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
 * 1. The lock file is created. A process that finds it there waits for its end and is done.
 * 2. The inode is compared under the lock, so that no process sets a new index aside for the faults of an old one.
 * 3. The database goes first, -wal and -shm follow. A process that opens the path in between creates an empty file, for
 *    which SQLite drops a stale -wal; it looks at the lock again before it writes, and then waits for the end of this.
 * 4. A process that is killed in between leaves the lock file; the next one removes it after LOCK_PATIENCE.
 *
 * A process that has the old file open notices at its next operation (database.ts). SQLite does not touch the new -wal when it
 * closes the old file, since it sees that the file has moved.
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
    for (const suffix of ['-wal', '-shm', '-journal'])
      await unlessMissing(rename(layout.index + suffix, aside + suffix))
    return aside
  } finally {
    await rm(layout.indexLock, { force: true })
  }
}
