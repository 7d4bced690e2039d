/** Finished bodies as files named by their sum. */

import { chmod, rename, rmdir, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { KissError, asKissError, systemCode } from '../errors.js'
import { writeDescription } from './description.js'
import { closeFile, makeDirectory, openFile, readAt, replaceFile, statsOf, unlessMissing } from './files.js'
import type { Layout } from './layout.js'
import { inParallel } from './parallel.js'
import { stampOf } from './seen-file.js'
import { fileSize } from './walk.js'
import type { BlobStore, Entry, KeyId, OpenBlob, Sha256, Shared } from './types.js'

/** Milliseconds between tries while the process has no free descriptor. The end of a reader frees one. */
const DESCRIPTOR_WAITS = [10, 20, 40, 80, 160]

/** A folder may be removed between its making and the move into it. */
const MOVE_ATTEMPTS = 5
/** Descriptions unlinked at a time. */
const UNLINKED_AT_ONCE = 16

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

  async open(sha256: Sha256, size: number): Promise<FileBlob | undefined> {
    const path = this.path(sha256)
    const fd = await openPatiently(path)
    if (fd === undefined) return undefined
    try {
      const stats = await statsOf(fd)
      if (stats.size === size) return new FileBlob(fd, path, sha256, size, stampOf(stats))
    } catch (error) {
      await closeFile(fd)
      throw asKissError(error, 'disk', `cannot read the stored body ${sha256}`)
    }
    await closeFile(fd)
    return undefined
  }

  async adopt(file: string, sha256: Sha256): Promise<string> {
    const path = this.path(sha256)
    try {
      if (!(await did(chmod(file, this.#layout.modes.blob))) && (await fileSize(path)) !== undefined)
        return stampOf(await stat(path))
      await this.#move(file, path)
      return stampOf(await stat(path))
    } catch (error) {
      throw asKissError(error, 'disk', `cannot store the body ${sha256}`)
    }
  }

  async #move(file: string, path: string): Promise<void> {
    // The folder is made on demand, and the removal of its last blob removes it.
    for (let attempt = 1; ; attempt++) {
      try {
        return await rename(file, path)
      } catch (error) {
        if (systemCode(error) !== 'ENOENT' || attempt === MOVE_ATTEMPTS) throw error
        await makeDirectory(dirname(path), this.#layout.modes.directory)
      }
    }
  }

  async describe(entry: Entry): Promise<void> {
    const { sha256, id } = entry
    try {
      await replaceFile(
        this.#layout.description(sha256, id),
        writeDescription(entry),
        this.#random(),
        this.#layout.modes.file,
      )
    } catch (error) {
      // The folder has been taken away, and the body with it: there is nothing to describe.
      if (systemCode(error) === 'ENOENT') return
      throw asKissError(error, 'disk', `cannot write the description of the stored body ${sha256}`)
    }
  }

  async undescribe(sha256: Sha256, ids: Iterable<KeyId>): Promise<void> {
    try {
      await inParallel(ids, UNLINKED_AT_ONCE, async (id) => {
        await did(unlink(this.#layout.description(sha256, id)))
      })
    } catch (error) {
      throw asKissError(error, 'disk', `cannot remove a description of the stored body ${sha256}`)
    }
  }

  async remove(sha256: Sha256): Promise<boolean> {
    const path = this.path(sha256)
    try {
      const found = await did(unlink(path))
      await rmdir(dirname(path)).catch(() => undefined) // other blobs are in it
      return found
    } catch (error) {
      throw asKissError(error, 'disk', `cannot remove the stored body ${sha256}`)
    }
  }
}

export class FileBlob implements OpenBlob {
  #reading = 0
  #closing: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor(
    readonly fd: number,
    readonly path: string,
    readonly sha256: Sha256,
    readonly size: number,
    /** As it was when the file was opened. */
    readonly stamp: string,
  ) {}

  get shared(): Shared {
    return {
      source: this,
      arrived: (position) => Math.max(0, this.size - position),
      read: (buffer, position) => this.read(buffer, position),
    }
  }

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
async function did(operation: Promise<void>): Promise<boolean> {
  return (await unlessMissing(operation.then(() => true))) ?? false
}
