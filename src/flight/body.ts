/** A growing body: one object per process and flight, which any number of readers read from the page cache. */

import { close, fstat, open, openSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { KissError } from '../errors.js'

const openFile = promisify(open)
const closeFile = promisify(close)
const statFile = promisify(fstat)

/**
 * The last bytes of the body, which are read synchronously: they were just written, so the page cache has them. A read of
 * 256 KiB takes 30 µs. The thread pool took 100 µs of the event loop for each read, 411 ms for a download of 1 GiB.
 */
const RECENT = 16 * 1024 * 1024
/** Bytes compared at a time. */
const COMPARE = 256 * 1024

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds to wait for a next byte. */
  readonly patience?: number | undefined
  /** May the reader wait longer than that? */
  readonly isExcused?: () => boolean
}

/**
 * The readable part of a file that a process appends to. `size` is the number of bytes that arrived, `available` the number
 * that may be read: the last byte of a known length is held back until the end, so that a client with the last byte finds
 * the entry in the store. The file of another generation can replace the file, provided that the bytes are equal.
 */
export class GrowingBody {
  #fd: number | undefined
  /** Closed with the last user: the number of a closed descriptor can belong to another file before a read ends. */
  readonly #retired: number[] = []
  #reading = 0
  #size = 0
  #length: number | undefined
  #end: { readonly error?: KissError } | undefined
  #users = 1
  readonly #waiting = new Set<() => void>()

  /** Bytes that have arrived. */
  get size(): number {
    return this.#size
  }

  /** Bytes that may be read. */
  get available(): number {
    const isWhole = this.#end !== undefined && this.#end.error === undefined
    return isWhole || this.#length === undefined ? this.#size : Math.max(0, Math.min(this.#size, this.#length - 1))
  }

  /** The length of the whole body in bytes; undefined while it is unknown. */
  expect(length: number | undefined): void {
    this.#length = length
  }

  get ended(): boolean {
    return this.#end !== undefined
  }

  /** Opens the file on first use and keeps it open until the last user closes. */
  attach(path: string): void {
    this.#fd ??= openSync(path, 'r')
  }

  get attached(): boolean {
    return this.#fd !== undefined
  }

  /** `size` bytes have arrived: readers are woken. The writer gathers bytes, because a wake-up costs more than a chunk. */
  grow(size: number): void {
    if (size <= this.#size || this.#end) return
    this.#size = size
    this.#wake()
  }

  /** The body is whole: no more bytes follow. */
  finish(): void {
    this.#settle({})
  }

  /** The body is incomplete, and no more bytes follow. */
  fail(error: KissError): void {
    this.#settle({ error })
  }

  #settle(end: { readonly error?: KissError }): void {
    if (this.#end) return
    this.#end = end
    this.#wake()
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const resume of waiting) resume()
  }

  /** See Content.arrived. */
  arrived(position: number, options: ReadOptions = {}): number | Promise<number> {
    const now = this.#arrivedNow(position, options)
    return now ?? this.#arrivedLater(position, options)
  }

  /** Returns undefined while the answer is unknown. */
  #arrivedNow(position: number, { signal }: ReadOptions): number | undefined {
    signal?.throwIfAborted()
    // The bytes that arrived are served even if the end is an error: the reader gets the error at the missing byte.
    if (position < this.available) return this.available - position
    if (this.#end?.error) throw this.#end.error
    return this.#end && 0
  }

  async #arrivedLater(position: number, options: ReadOptions): Promise<number> {
    for (;;) {
      await this.changed(options)
      const now = this.#arrivedNow(position, options)
      if (now !== undefined) return now
    }
  }

  /** See Content.read. */
  async read(buffer: Uint8Array, position: number, options: ReadOptions = {}): Promise<number> {
    const arrived = await this.arrived(position, options)
    return arrived === 0 ? 0 : this.#readNow(buffer.subarray(0, arrived), position)
  }

  #readNow(buffer: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const fd = this.#fd
      if (fd === undefined) return reject(new KissError('internal', 'a body was read before it was opened'))
      if (this.#size - position <= RECENT) {
        const n = readSync(fd, buffer, 0, buffer.length, position)
        return n === 0 ? reject(shorter()) : resolve(n)
      }
      this.#reading++
      read(fd, buffer, 0, buffer.length, position, (error, n) => {
        this.#reading--
        if (this.#users === 0) void this.#release()
        if (error) reject(error)
        else if (n === 0) reject(shorter())
        else resolve(n)
      })
    })
  }

  /** See Shared.withFile. */
  async withFile<T>(work: (fd: number) => Promise<T>): Promise<T> {
    if (this.#fd === undefined) throw new KissError('internal', 'a body was read before it was opened')
    this.#reading++
    try {
      return await work(this.#fd)
    } finally {
      this.#reading--
      if (this.#users === 0) void this.#release()
    }
  }

  /**
   * Resolves at the next growth or at the end. The waiter is registered before this returns to the event loop: a caller
   * that reads the state and calls this in the same turn misses nothing.
   */
  changed({ signal, patience, isExcused = () => false }: ReadOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      const give = (error: Error): void => {
        this.#waiting.delete(done)
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        reject(error)
      }
      const onAbort = (): void => give(signal?.reason as Error)
      const impatient = (): void => {
        if (patience === undefined) return
        if (isExcused()) timer = setTimeout(impatient, patience)
        else give(new KissError('origin-timeout', `no byte arrived for ${Math.round(patience / 1000)} s`))
      }
      let timer = patience === undefined ? undefined : setTimeout(impatient, patience)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(done)
    })
  }

  /**
   * Switches to another file of the same content with at least `available` bytes. Returns false and changes nothing if the
   * bytes differ: bytes of two versions are never joined.
   */
  async exchange(path: string): Promise<boolean> {
    // The descriptors stay open while their bytes are compared, even if the last reader leaves meanwhile.
    this.use()
    try {
      const fd = await openFile(path, 'r')
      let unneeded: number | undefined = fd
      try {
        const same = this.#fd === undefined || (await sameContent(this.#fd, fd, this.#size))
        if (same) [unneeded, this.#fd] = [this.#fd, fd]
        return same
      } finally {
        if (unneeded !== undefined) this.#retired.push(unneeded)
      }
    } finally {
      await this.close()
    }
  }

  /** Adds a reader; each reader closes once. */
  use(): this {
    this.#users++
    return this
  }

  async close(): Promise<void> {
    if (--this.#users === 0) await this.#release()
  }

  async #release(): Promise<void> {
    if (this.#reading > 0) return
    const open = [...this.#retired.splice(0), ...(this.#fd === undefined ? [] : [this.#fd])]
    this.#fd = undefined
    await Promise.all(open.map((fd) => closeFile(fd)))
  }
}

function shorter(): KissError {
  return new KissError('disk', 'the cached body is shorter than it was')
}

/** Answers without reading if both names lead to one file. */
async function sameContent(a: number, b: number, length: number): Promise<boolean> {
  const [left, right] = await Promise.all([statFile(a), statFile(b)])
  return (left.ino === right.ino && left.dev === right.dev) || sameBytes(a, b, length)
}

/** Do the first `length` bytes of two files agree? A file that is too short does not. */
async function sameBytes(a: number, b: number, length: number): Promise<boolean> {
  const left = Buffer.allocUnsafe(COMPARE)
  const right = Buffer.allocUnsafe(COMPARE)
  for (let position = 0; position < length;) {
    const want = Math.min(COMPARE, length - position)
    const [n, m] = await Promise.all([readFully(a, left, want, position), readFully(b, right, want, position)])
    if (n !== want || m !== want || left.compare(right, 0, want, 0, want) !== 0) return false
    position += want
  }
  return true
}

async function readFully(fd: number, buffer: Buffer, length: number, position: number): Promise<number> {
  let done = 0
  while (done < length) {
    const n = await new Promise<number>((resolve, reject) => {
      read(fd, buffer, done, length - done, position + done, (error, count) => (error ? reject(error) : resolve(count)))
    })
    if (n === 0) break
    done += n
  }
  return done
}
