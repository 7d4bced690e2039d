/** Small bodies in memory, in front of their files: bounded in bytes, shared by the entries that name one sum. */

import { statSync } from 'node:fs'
import { stampOf, type FileBlob } from './blobs.js'
import { thisTurn } from './turn.js'
import type { BlobStore, OpenBlob, Sha256 } from './types.js'

/** Bytes; a larger body costs more to send than its file costs to open. */
const LARGEST = 64 * 1024

/** Bytes of all bodies in memory: a ninth of what a process may take. */
const LIMIT = 16 * 1024 * 1024

export interface SmallBodiesOptions {
  /** Of a file, opened and known to be whole; undefined where there is none. */
  readonly open: (sha256: Sha256, size: number) => Promise<FileBlob | undefined>
  /** Bytes. */
  readonly limit?: number
}

export class SmallBodies implements Pick<BlobStore, 'open'> {
  readonly #open: SmallBodiesOptions['open']
  readonly #limit: number
  /** The one that was read longest ago comes first. */
  readonly #bodies = new Map<Sha256, MemoryBlob>()
  #bytes = 0
  /** Grows when memory is dropped: a body that was read from a file before that is not kept. */
  #epoch = 0

  constructor({ open, limit = LIMIT }: SmallBodiesOptions) {
    this.#open = open
    this.#limit = limit
  }

  /** Bytes in memory. */
  get bytes(): number {
    return this.#bytes
  }

  /** The body in memory, if its file is still the one that was read. */
  peek(sha256: Sha256): MemoryBlob | undefined {
    const blob = this.#bodies.get(sha256)
    if (blob === undefined || blob.isCurrent()) return blob
    this.#drop(blob)
    return undefined
  }

  async open(sha256: Sha256, size: number): Promise<OpenBlob | undefined> {
    if (size > LARGEST) return this.#open(sha256, size)
    const known = this.peek(sha256)
    if (known?.size === size) return known
    const epoch = this.#epoch
    const file = await this.#open(sha256, size)
    const blob = file && (await readWhole(file))
    if (blob && epoch === this.#epoch) this.#keep(blob)
    return blob
  }

  /** Entries were removed or replaced. */
  clear(): void {
    this.#epoch++
    this.#bodies.clear()
    this.#bytes = 0
  }

  #keep(blob: MemoryBlob): void {
    const before = this.#bodies.get(blob.sha256)
    if (before !== undefined) this.#drop(before)
    this.#bodies.set(blob.sha256, blob)
    this.#bytes += blob.size
    for (const oldest of this.#bodies.values()) {
      if (this.#bytes <= this.#limit) return
      this.#drop(oldest)
    }
  }

  #drop({ sha256, size }: MemoryBlob): void {
    this.#bodies.delete(sha256)
    this.#bytes -= size
  }
}

async function readWhole(file: FileBlob): Promise<MemoryBlob> {
  try {
    const bytes = Buffer.allocUnsafeSlow(file.size)
    for (let position = 0; position < bytes.length;) position += await file.read(bytes.subarray(position), position)
    return new MemoryBlob(bytes, file)
  } finally {
    await file.close()
  }
}

/** Any number of readers share it. */
export class MemoryBlob implements OpenBlob {
  readonly size: number
  readonly sha256: Sha256
  readonly path: string
  readonly #stamp: string
  #lookedIn = thisTurn()

  constructor(
    readonly inMemory: Buffer,
    { size, sha256, path, stamp }: FileBlob,
  ) {
    this.size = size
    this.sha256 = sha256
    this.path = path
    this.#stamp = stamp
  }

  /**
   * Is its file still the one that was read? Another one, or none, has to be noticed (checked-blobs.ts). One look serves a
   * turn of the event loop and costs 5 µs; open, stat, read and close in the thread pool took 300 µs.
   */
  isCurrent(): boolean {
    const turn = thisTurn()
    if (this.#lookedIn === turn) return true
    try {
      const stats = statSync(this.path, { throwIfNoEntry: false })
      if (stats === undefined || stampOf(stats) !== this.#stamp) return false
    } catch {
      // The next open of the file reports the error.
      return false
    }
    this.#lookedIn = turn
    return true
  }

  read(buffer: Uint8Array, position: number): Promise<number> {
    return Promise.resolve(this.inMemory.copy(buffer, 0, position))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
