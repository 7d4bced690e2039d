/** Finished bodies as files named by their sum. */

import { chmod, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { KissError, asKissError, systemCode } from '../errors.js'
import { writeDescription } from './description.js'
import { closeFile, makeDirectory, openFile, readAt, replaceFile, sizeOf } from './files.js'
import { type Layout, restoreLayout } from './layout.js'
import { fileSize } from './walk.js'
import type { BlobStore, Entry, OpenBlob, Sha256 } from './types.js'

/** Milliseconds between tries while the process has no descriptor left: readers come to their end all the time. */
const DESCRIPTOR_WAITS = [10, 20, 40, 80, 160]

export class FileBlobs implements BlobStore {
  readonly #layout: Layout
  readonly #random: () => string

  constructor(layout: Layout, random: () => string) {
    this.#layout = layout
    this.#random = random
  }

  path(sha256: Sha256): string {
    return this.#layout.blob(sha256)
  }

  async open(sha256: Sha256, size: number): Promise<OpenBlob | undefined> {
    const path = this.path(sha256)
    const fd = await openPatiently(path)
    if (fd === undefined) return undefined
    try {
      if ((await sizeOf(fd)) === size) return new FileBlob(fd, path, sha256, size)
    } catch (error) {
      await closeFile(fd)
      throw asKissError(error, 'disk', `cannot read the stored body ${sha256}`)
    }
    await closeFile(fd)
    return undefined
  }

  async adopt(file: string, sha256: Sha256): Promise<void> {
    const path = this.path(sha256)
    try {
      if (!(await makeReadOnly(file)) && (await fileSize(path)) !== undefined) return
      await rename(file, path).catch(async (error: unknown) => {
        if (systemCode(error) !== 'ENOENT') throw error
        await restoreLayout(this.#layout)
        await makeDirectory(dirname(path))
        await rename(file, path)
      })
    } catch (error) {
      throw asKissError(error, 'disk', `cannot store the body ${sha256}`)
    }
  }

  async describe(sha256: Sha256, entries: readonly Entry[]): Promise<void> {
    try {
      if (entries.length === 0) await unlinkIfThere(this.#layout.description(sha256))
      else await replaceFile(this.#layout.description(sha256), writeDescription(entries), this.#random())
    } catch (error) {
      // The folder has been taken away, and the body with it: there is nothing to describe.
      if (systemCode(error) === 'ENOENT') return
      throw asKissError(error, 'disk', `cannot write the description of the stored body ${sha256}`)
    }
  }

  async remove(sha256: Sha256): Promise<boolean> {
    try {
      const described = await unlinkIfThere(this.#layout.description(sha256))
      return (await unlinkIfThere(this.path(sha256))) || described
    } catch (error) {
      throw asKissError(error, 'disk', `cannot remove the stored body ${sha256}`)
    }
  }
}

class FileBlob implements OpenBlob {
  #reading = 0
  #closing: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor(
    readonly fd: number,
    readonly path: string,
    readonly sha256: Sha256,
    readonly size: number,
  ) {}

  async read(buffer: Uint8Array, position: number): Promise<number> {
    if (this.#closed !== undefined) throw new KissError('internal', `the stored body ${this.sha256} is closed`)
    if (position >= this.size || buffer.byteLength === 0) return 0
    this.#reading++
    try {
      const n = await readAt(this.fd, buffer, position)
      if (n === 0) throw new Error(`it ends at byte ${position} of ${this.size}`)
      return n
    } catch (error) {
      throw asKissError(error, 'disk', `cannot read the stored body ${this.sha256}`)
    } finally {
      this.#reading--
      if (this.#reading === 0) this.#closing?.()
    }
  }

  /** Waits for reads under way: a descriptor closed under a read may be another file's by the time it is read. */
  close(): Promise<void> {
    this.#closed ??= new Promise<void>((resolve) => {
      this.#closing = resolve
      if (this.#reading === 0) resolve()
    }).then(() => closeFile(this.fd))
    return this.#closed
  }
}

async function openPatiently(path: string): Promise<number | undefined> {
  for (const wait of [...DESCRIPTOR_WAITS, undefined]) {
    try {
      return await openFile(path)
    } catch (error) {
      const code = systemCode(error)
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      if (code !== 'EMFILE' && code !== 'ENFILE') throw asKissError(error, 'disk', 'cannot open a stored body')
      if (wait === undefined) {
        throw new KissError('disk', 'too many files are open', {
          cause: error,
          hint: 'raise the limit of open files (ulimit -n)',
        })
      }
      await sleep(wait)
    }
  }
  return undefined
}

/** False where there is no such file. */
async function makeReadOnly(file: string): Promise<boolean> {
  try {
    await chmod(file, 0o444)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}

async function unlinkIfThere(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}
