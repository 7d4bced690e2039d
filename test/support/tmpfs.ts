/** A small file system of its own, for tests of a disk that is full or cannot be written. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Tmpfs {
  readonly path: string
  /** Takes every byte that is left, by the file `filler`. */
  fill(): void
  /** Leaves no room for another file, whatever its size. */
  useUpInodes(): void
  setReadOnly(readOnly: boolean): void
  /**
   * Whatever is opened in this directory of it from now on can only be read; what is open already is not affected, which is
   * why `setReadOnly` fails then. Returns what undoes it.
   */
  freeze(directory: string): () => void
  remove(): void
}

/** undefined where this process may not mount. */
export function mountTmpfs(bytes: number): Tmpfs | undefined {
  const path = mkdtempSync(join(tmpdir(), 'kiss-tmpfs-'))
  const mount = (...args: string[]): void => void execFileSync('mount', args, { stdio: 'ignore' })
  try {
    mount('-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path)
  } catch {
    // Not root, or in a container without the right.
    rmdirSync(path)
    return undefined
  }
  return {
    path,
    fill: () => fill(join(path, 'filler')),
    useUpInodes: () => {
      const { files, ffree } = statfsSync(path)
      mount('-o', `remount,nr_inodes=${files - ffree}`, path)
    },
    setReadOnly: (readOnly) => mount('-o', `remount,${readOnly ? 'ro' : 'rw'}`, path),
    freeze: (directory) => {
      mount('--bind', directory, directory)
      mount('-o', 'remount,bind,ro', directory)
      return () => void execFileSync('umount', ['-l', directory])
    },
    remove: () => {
      execFileSync('umount', ['-l', path])
      rmdirSync(path)
    },
  }
}

function fill(path: string): void {
  const file = openSync(path, 'w')
  for (let size = 1024 * 1024; size >= 1; size = Math.floor(size / 2)) {
    for (;;) {
      try {
        if (writeSync(file, Buffer.alloc(size)) < size) break
      } catch {
        break
      }
    }
  }
  closeSync(file)
}
