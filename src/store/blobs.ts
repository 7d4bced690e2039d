/** Finished bodies as files named by their sum, and the descriptions beside them: one for each entry, to rebuild a lost index. */

import { chmodSync, statSync, type Stats } from 'node:fs'
import { readFile, rmdir, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { KissError, asKissError, systemCode } from '../errors.js'
import type { StoredAnswer } from '../http/caching/types.js'
import { closeFile, ifThere, makeDirectory, openFile, readAt, replaceFile, statsOf, unlessMissing } from './files.js'
import { thisTurn } from './invalidation.js'
import type { Layout } from './layout.js'
import { inParallel } from '../waits.js'
import { rename } from './small-files.js'
import { fileSize } from './walk.js'
import type { BlobStore, Entry, KeyId, OpenBlob, Sha256, Shared } from './types.js'

/** Milliseconds between tries while the process has no free descriptor. The end of a reader frees one. */
const DESCRIPTOR_WAITS = [10, 20, 40, 80, 160]

/** A folder may be removed between its making and the move into it. */
const MOVE_ATTEMPTS = 5
/** The version of the descriptions. */
const VERSION = 2
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
      const isThere = ifThere(() => (protect(file, this.#layout.modes.blob), true))
      if (isThere || (await fileSize(path)) === undefined) await this.#move(file, path)
      return stampOf(statSync(path))
    } catch (error) {
      throw asKissError(error, 'disk', `cannot store the body ${sha256}`)
    }
  }

  /** The file system frees the bytes of a blob that is replaced when it is closed, 50 ms for 40 MiB: nobody waits for that. */
  async #move(file: string, path: string): Promise<void> {
    const replaced = await openFile(path).catch(() => undefined)
    try {
      // The folder is made on demand, and the removal of its last blob removes it.
      for (let attempt = 1; ; attempt++) {
        try {
          return await rename(file, path)
        } catch (error) {
          if (systemCode(error) !== 'ENOENT' || attempt === MOVE_ATTEMPTS) throw error
          await makeDirectory(dirname(path), this.#layout.modes.directory)
        }
      }
    } finally {
      if (replaced !== undefined) void closeFile(replaced).catch(() => undefined)
    }
  }

  async describe(entry: Entry): Promise<void> {
    const { sha256, id } = entry
    try {
      await replaceFile(
        this.#layout.description(sha256, id),
        `${JSON.stringify({ version: VERSION, entry })}\n`,
        this.#random(),
        this.#layout.modes.file,
      )
    } catch (error) {
      // The folder was removed together with the body.
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
      withFile: (work) => this.#withFile(work),
    }
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    if (position >= this.size || buffer.byteLength === 0) return 0
    return this.#withFile(async (fd) => {
      try {
        const n = await readAt(fd, buffer, position)
        if (n === 0) throw new Error(`it ends at byte ${position} of ${this.size}`)
        return n
      } catch (error) {
        throw asKissError(error, 'disk', `cannot read the stored body ${this.sha256}`)
      }
    })
  }

  async #withFile<T>(work: (fd: number) => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw new KissError('internal', `the stored body ${this.sha256} is closed`)
    this.#reading++
    try {
      return await work(this.fd)
    } finally {
      this.#reading--
      if (this.#reading === 0) this.#closing?.()
    }
  }

  /** Waits for reads under way: the number of a closed descriptor can belong to another file before a read ends. */
  close(): Promise<void> {
    this.#closed ??= new Promise<void>((resolve) => {
      this.#closing = resolve
      if (this.#reading === 0) resolve()
    }).then(() => closeFile(this.fd))
    return this.#closed
  }
}

/** A file with another stamp was replaced or written to, or has another mode, owner or number of links. */
export function stampOf({ ino, size, mtimeMs, ctimeMs }: Pick<Stats, 'ino' | 'size' | 'mtimeMs' | 'ctimeMs'>): string {
  return [ino, size, mtimeMs, ctimeMs].join(' ')
}

/** The state of a file at its opening, to notice a changed, replaced or removed file (checked-blobs.ts). */
export class SeenFile {
  readonly #path: string
  readonly #stamp: string
  #lookedIn = thisTurn()

  constructor({ path, stamp }: { readonly path: string; readonly stamp: string }) {
    this.#path = path
    this.#stamp = stamp
  }

  /**
   * Is the file unchanged? One stat serves a turn of the event loop and costs 5 µs; open, stat, read and close in the thread
   * pool took 300 µs.
   */
  isCurrent(): boolean {
    const turn = thisTurn()
    if (this.#lookedIn === turn) return true
    try {
      const stats = statSync(this.#path, { throwIfNoEntry: false })
      if (stats === undefined || stampOf(stats) !== this.#stamp) return false
    } catch {
      // The next open of the file reports the error.
      return false
    }
    this.#lookedIn = turn
    return true
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

/** The body that a process of another user of the group began keeps its mode: only its owner may change it. */
function protect(file: string, mode: number): void {
  try {
    chmodSync(file, mode)
  } catch (error) {
    if (systemCode(error) !== 'EPERM') throw error
  }
}

/** False if the file does not exist. */
async function did(operation: Promise<void>): Promise<boolean> {
  return (await unlessMissing(operation.then(() => true))) ?? false
}

/**
 * Reads the entry from a description of this blob. undefined if there is no file, if the file is not whole (it is not synced, so
 * a power loss may leave it empty), or if it does not describe an entry of this blob.
 */
export async function readDescription(file: string, sha256: Sha256, size: number): Promise<Entry | undefined> {
  try {
    const found: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (!isRecord(found) || found['version'] !== VERSION) return undefined
    const { entry } = found
    return isEntry(entry) && entry.sha256 === sha256 && entry.size === size ? entry : undefined
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Absent, or of this type. */
const optional = { source: 'string', resource: 'string', access: 'string' } as const

const types = {
  id: 'string',
  url: 'string',
  sha256: 'string',
  size: 'number',
  headers: 'object',
  storedAt: 'number',
  validatedAt: 'number',
  staleAt: 'number',
  lifetime: 'number',
  lastUsedAt: 'number',
  hits: 'number',
  private: 'boolean',
  unverified: 'boolean',
} as const satisfies Record<keyof Required<Omit<Entry, keyof typeof optional | 'answer'>>, string>

function isEntry(value: unknown): value is Entry {
  if (!isRecord(value) || !Object.entries(types).every(([name, type]) => typeof value[name] === type)) return false
  if (!Object.entries(optional).every(([name, type]) => [type, 'undefined'].includes(typeof value[name]))) return false
  if (value['answer'] !== undefined && !isAnswer(value['answer'])) return false
  return isRecord(value['headers']) && Object.values(value['headers']).every((header) => typeof header === 'string')
}

function isAnswer(value: unknown): value is StoredAnswer {
  if (!isRecord(value) || !isRecord(value['fields']) || !isRecord(value['vary'])) return false
  const numbers = ['status', 'requestedAt', 'receivedAt'].every((name) => typeof value[name] === 'number')
  return numbers && Object.values(value['fields']).every((field) => typeof field === 'string')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
