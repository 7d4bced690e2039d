/** Small bodies in memory, in front of their files: bounded in bytes, shared by the entries that name one sum. */

import { type FileBlob, SeenFile } from './blobs.js'
import type { OpenBlob, Sha256 } from './types.js'

/**
 * The largest body that memory holds, bytes. A hit of 1 MiB from memory is one write: 64 connections took 0.25 CPU seconds a
 * GB. Four reads and four writes of 256 KiB took 0.8.
 */
export const smallBody = 1024 * 1024

/** Bytes of all bodies in memory, including those of slow clients: a ninth of the memory of a process. */
const LIMIT = 16 * 1024 * 1024

/**
 * Milliseconds between two looks at the file of a body for repeated hits. The bytes in memory stay right, so that a look only
 * notices that another program removed the file or wrote to it; removals by kiss are announced (invalidation.ts). A look in
 * each turn of the event loop took 4 to 8 of the 52 µs of a small hit, which is a turn of its own with one connection.
 */
const LOOK = 10

export interface SmallBodiesOptions {
  /** Opens a file whose bytes are known to be right; undefined if there is none. */
  readonly open: (sha256: Sha256, size: number) => Promise<FileBlob | undefined>
  /** Bytes. */
  readonly limit?: number
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
}

/** In memory, for one reader. */
export interface MemoryBlob extends OpenBlob {
  readonly inMemory: Buffer
}

/** The bytes of a body, until its reader leaves. */
export interface HeldBytes {
  readonly bytes: Buffer
  /** Called once. */
  readonly leave: () => void
}

/** For all readers. */
interface Body {
  readonly bytes: Buffer
  readonly sha256: Sha256
  readonly path: string
  /** The file from which the body was read. */
  readonly seen: SeenFile
  lookedAt: number
  readers: number
}

export class SmallBodies {
  readonly #open: SmallBodiesOptions['open']
  readonly #limit: number
  readonly #now: () => number
  /** The bodies for further readers; the oldest comes first. */
  readonly #bodies = new Map<Sha256, Body>()
  readonly #loading = new Map<Sha256, Promise<Body | undefined>>()
  #bytes = 0
  /** Grows when memory is dropped: a body that was read from a file before that is not kept. */
  #epoch = 0

  constructor({ open, limit = LIMIT, now = () => performance.now() }: SmallBodiesOptions) {
    this.#open = open
    this.#limit = limit
    this.#now = now
  }

  /** Bytes in memory, including bodies that are being read from their files. */
  get bytes(): number {
    return this.#bytes
  }

  /** The bytes of the body in memory, for a repeated hit: its file may have changed since the last look. */
  peek(sha256: Sha256): HeldBytes | undefined {
    const known = this.#bodies.get(sha256)
    const isRecent = known !== undefined && this.#now() - known.lookedAt < LOOK
    const body = isRecent ? known : this.#current(sha256)
    if (body === undefined) return undefined
    body.readers++
    return { bytes: body.bytes, leave: () => this.#leave(body) }
  }

  #current(sha256: Sha256): Body | undefined {
    const body = this.#bodies.get(sha256)
    if (body === undefined) return undefined
    if (body.seen.isCurrent()) {
      body.lookedAt = this.#now()
      return body
    }
    this.#drop(body)
    return undefined
  }

  /** Is the body small, and is there room for it? Drops bodies without readers to make room. */
  admits(sha256: Sha256, size: number): boolean {
    if (size > smallBody) return false
    if (this.#bodies.has(sha256) || this.#loading.has(sha256)) return true
    for (const body of this.#bodies.values()) {
      if (this.#bytes + size <= this.#limit) return true
      if (body.readers === 0) this.#drop(body)
    }
    return this.#bytes + size <= this.#limit
  }

  /** Resolves with undefined if there is no such file. The caller asks {@link admits} in the same turn. */
  async open(sha256: Sha256, size: number): Promise<MemoryBlob | undefined> {
    const known = this.#current(sha256)
    if (known !== undefined) return this.#use(known)
    const loading = this.#loading.get(sha256) ?? this.#load(sha256, size).finally(() => this.#loading.delete(sha256))
    this.#loading.set(sha256, loading)
    const body = await loading
    return body && this.#use(body)
  }

  /** Drops all bodies, because entries were removed or replaced. */
  clear(): void {
    this.#epoch++
    for (const body of this.#bodies.values()) this.#drop(body)
  }

  async #load(sha256: Sha256, size: number): Promise<Body | undefined> {
    const epoch = this.#epoch
    this.#bytes += size
    let body: Body | undefined
    try {
      const file = await this.#open(sha256, size)
      body = file && (await readWhole(file, this.#now()))
    } finally {
      if (body === undefined) this.#bytes -= size
    }
    if (body !== undefined && epoch === this.#epoch) this.#bodies.set(sha256, body)
    return body
  }

  #use(body: Body): MemoryBlob {
    const { bytes, sha256, path } = body
    const read = (buffer: Uint8Array, position: number): Promise<number> =>
      Promise.resolve(position < bytes.length ? bytes.copy(buffer, 0, position) : 0)
    body.readers++
    let isClosed = false
    return {
      size: bytes.length,
      sha256,
      path,
      inMemory: bytes,
      shared: { source: body, arrived: (position) => Math.max(0, bytes.length - position), read },
      read,
      close: () => {
        if (!isClosed) this.#leave(body)
        isClosed = true
        return Promise.resolve()
      },
    }
  }

  #leave(body: Body): void {
    body.readers--
    if (body.readers === 0 && this.#bodies.get(body.sha256) !== body) this.#bytes -= body.bytes.length
  }

  /** Drops a body; its bytes count until its last reader leaves. */
  #drop(body: Body): void {
    this.#bodies.delete(body.sha256)
    if (body.readers === 0) this.#bytes -= body.bytes.length
  }
}

async function readWhole(file: FileBlob, lookedAt: number): Promise<Body> {
  const { sha256, path, size } = file
  try {
    const bytes = Buffer.allocUnsafeSlow(size)
    for (let position = 0; position < size;) position += await file.read(bytes.subarray(position), position)
    return { bytes, sha256, path, seen: new SeenFile(file), lookedAt, readers: 0 }
  } finally {
    await file.close()
  }
}
