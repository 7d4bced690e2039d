/** A folder in memory for tests that write much: a file costs half the processor time of one on a disk. */
import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const MEMORY = '/dev/shm'

/** Where there are so many bytes left in memory, and programs may be run, or else the folder of temporary files. */
export function folderInMemory(bytes: number): string {
  if (!existsSync(MEMORY)) return tmpdir()
  const { bavail, bsize } = statfsSync(MEMORY)
  return bavail * bsize > bytes && !isNoexec ? MEMORY : tmpdir()
}

/** Docker mounts it so. */
const isNoexec = /^\S+ \/dev\/shm \S+ \S*\bnoexec\b/m.test(mounts())

function mounts(): string {
  return existsSync('/proc/self/mounts') ? readFileSync('/proc/self/mounts', 'utf8') : ''
}
