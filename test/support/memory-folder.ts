/** A folder in memory for tests that write much: a file costs half the processor time of one on a disk. */
import { existsSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const MEMORY = '/dev/shm'

/** Where there are so many bytes left in memory, or else the folder of temporary files. */
export function folderInMemory(bytes: number): string {
  if (!existsSync(MEMORY)) return tmpdir()
  const { bavail, bsize } = statfsSync(MEMORY)
  return bavail * bsize > bytes ? MEMORY : tmpdir()
}
