/** The writing end of a growing body: appends and hashes bytes, and compares bytes that arrive again. */

import { createHash, type Hash } from 'node:crypto'
import * as fs from 'node:fs'
import { closeFile, readAt } from '../store/files.js'
import { openToAppend } from '../store/small-files.js'
import { recycle } from '../upstream/slabs.js'
import { appendTo } from './appending.js'

/** Bytes that may wait for the disk before reading from the network pauses: one write and the bytes for the next one. */
const PENDING = 1024 * 1024
/**
 * Bytes of one write, unless fewer arrive within {@link GATHER_FOR}. A write wakes a thread of the pool, which costs the event
 * loop 130 µs on a virtual machine: a miss of 1 GiB took 6.7 CPU seconds with one write for each chunk, and 5.5 with this.
 * Twice as many bytes of a write and of a read (upstream/slabs.ts) saved nothing on a quiet machine.
 */
const GATHER = 512 * 1024
/**
 * Milliseconds that bytes wait for others after a write, unless {@link GATHER} bytes wait. Readers are woken after each write.
 * With 20 downloads at once, of 1 MiB in 4 s each, a download took 99 CPU ms with 10 ms, and 84 with this, in two runs that
 * were not in turn.
 */
const GATHER_FOR = 20
/**
 * Milliseconds for each body that is being written, where that is longer: the writes of all bodies together are at most 1,000
 * a second. With 100 downloads at once a download took 35 CPU ms with 0.4 ms for each, and 32 with this.
 */
const GATHER_FOR_EACH = 1
/** Bytes read at a time from the body of a predecessor. */
const REREAD = 1024 * 1024

export interface BodyWriterOptions {
  readonly path: string
  /** The mode of a new file. */
  readonly mode: number
  /** Called after every append. */
  readonly onGrow: (size: number) => void
  /** Called before the file grows to `size` bytes; throws if there is no space. */
  readonly reserve: (size: number) => Promise<void>
  /** The disk is full: resolves with true if space was freed and the write can be repeated. */
  readonly makeRoom: (bytes: number) => Promise<boolean>
}

/** Bodies that this process is writing, from their first bytes on: those of downloads in the queue do not count. */
const writing = new Set<BodyWriter>()

export class BodyWriter {
  readonly #options: BodyWriterOptions
  readonly #file: number
  readonly #hash: Hash = createHash('sha256')
  #written = 0
  #pending: Buffer[] = []
  #pendingBytes = 0
  #flushing: Promise<void> | undefined
  /** The write under way. */
  #batch: Promise<void> | undefined
  #failure: Error | undefined
  #closed: Promise<void> | undefined
  /** Starts the next write although it is small. */
  #timer: NodeJS.Timeout | undefined
  /** Milliseconds of `performance.now()`: the end of the last write. */
  #wroteAt = -Infinity

  private constructor(options: BodyWriterOptions, file: number) {
    this.#options = options
    this.#file = file
  }

  /** Opens or creates the file. Existing bytes are read once, for the sum. */
  static async open(options: BodyWriterOptions): Promise<BodyWriter> {
    const file = await openToAppend(options.path, options.mode)
    const writer = new BodyWriter(options, file)
    try {
      if (fs.fstatSync(file).size > 0) await writer.#reread()
    } catch (error) {
      await writer.close()
      throw error
    }
    return writer
  }

  async #reread(): Promise<void> {
    const buffer = Buffer.allocUnsafe(REREAD)
    for (;;) {
      const bytes = await readAt(this.#file, buffer, this.#written)
      if (bytes === 0) return
      this.#hash.update(buffer.subarray(0, bytes))
      this.#written += bytes
    }
  }

  /** Bytes taken, written or waiting for the disk. */
  get size(): number {
    return this.#written + this.#pendingBytes
  }

  /** Takes a chunk and resolves when the next one can be taken. A failed write rejects here or in flush. */
  async append(chunk: Buffer): Promise<void> {
    if (this.#failure) throw this.#failure
    writing.add(this)
    this.#hash.update(chunk)
    this.#pending.push(chunk)
    this.#pendingBytes += chunk.length
    if (this.#pendingBytes >= GATHER || performance.now() - this.#wroteAt >= gatherFor()) this.#write()
    else this.#writeSoon()
    await this.#room()
  }

  #write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#pending.length > 0) this.#flushing ??= this.#drain()
  }

  #writeSoon(): void {
    if (this.#flushing === undefined) this.#timer ??= setTimeout(() => this.#write(), gatherFor())
  }

  /** The next bytes come in while those before them are written. */
  async #room(): Promise<void> {
    while (this.#flushing && this.#pendingBytes >= PENDING) await this.#batch
    if (this.#failure) throw this.#failure
  }

  /** Resolves when every byte taken is in the file. */
  async flush(): Promise<void> {
    await this.#settle()
    if (this.#failure) throw this.#failure
  }

  async #settle(): Promise<void> {
    while (this.#pendingBytes > 0) {
      this.#write()
      await this.#flushing
    }
  }

  async #drain(): Promise<void> {
    try {
      do {
        const batch = this.#pending
        const bytes = this.#pendingBytes
        this.#pending = []
        this.#batch = this.#store(batch, bytes)
        await this.#batch
        this.#wroteAt = performance.now()
        this.#written += bytes
        this.#pendingBytes -= bytes
        batch.forEach(recycle)
        this.#options.onGrow(this.#written)
      } while (this.#pendingBytes >= GATHER)
    } catch (error) {
      this.#failure = error as Error
      this.#pending = []
      this.#pendingBytes = 0
    } finally {
      this.#flushing = undefined
    }
    if (this.#pendingBytes > 0) this.#writeSoon()
  }

  async #store(batch: Buffer[], bytes: number): Promise<void> {
    await this.#options.reserve(this.#written + bytes)
    let left = batch
    for (let done = 0, tries = 0; done < bytes;) {
      try {
        const written = await appendTo(this.#file, left, bytes - done)
        done += written
        left = without(left, written)
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code
        const full = code === 'ENOSPC' || code === 'EDQUOT'
        if (!full || ++tries > 3 || !(await this.#options.makeRoom(bytes - done))) throw error
      }
    }
  }

  /** Are these the bytes at `position`? The chunk must end within the file. */
  async holds(chunk: Buffer, position: number): Promise<boolean> {
    await this.flush()
    const there = Buffer.allocUnsafe(chunk.length)
    for (let done = 0; done < chunk.length;) {
      const bytes = await readAt(this.#file, there.subarray(done), position + done)
      if (bytes === 0) return false
      done += bytes
    }
    return there.equals(chunk)
  }

  /** The sum of all bytes taken so far. */
  digest(): string {
    return this.#hash.copy().digest('hex')
  }

  /** Closes the file when every byte is in it. A file server may refuse bytes that it has taken only now. */
  async end(): Promise<void> {
    await this.flush()
    await this.#close()
  }

  /** Never throws: flush has reported a failed write before. */
  close(): Promise<void> {
    return this.#close().catch(() => undefined)
  }

  /** A second call does nothing: another file may have the number by then. */
  #close(): Promise<void> {
    return (this.#closed ??= this.#closeFile())
  }

  async #closeFile(): Promise<void> {
    writing.delete(this)
    await this.#settle()
    await closeFile(this.#file)
  }
}

function gatherFor(): number {
  return Math.max(GATHER_FOR, writing.size * GATHER_FOR_EACH)
}

function without(buffers: Buffer[], bytes: number): Buffer[] {
  const rest: Buffer[] = []
  let skip = bytes
  for (const buffer of buffers) {
    if (skip >= buffer.length) skip -= buffer.length
    else {
      rest.push(skip === 0 ? buffer : buffer.subarray(skip))
      skip = 0
    }
  }
  return rest
}
