/**
 * The buffers of bodies: reused, bounded in number for any number of clients, and shared: the readers of one body at one
 * position send the same buffer, which was read once.
 */

import type { Content } from '../engine/types.js'
import type { Shared } from '../store/types.js'
import type { Turns } from './turns.js'

/** Large enough to make the cost of system calls small, small enough for two per reader. */
export const bufferSize = 256 * 1024

/** The size of a buffer when the pool is empty: while slow readers hold the large buffers, other readers use these. */
export const spareSize = 16 * 1024

export interface BufferPoolOptions {
  /** Large buffers in use at most; 256 of them are 64 MiB. */
  readonly limit?: number
  /** Unused buffers that are kept for the next reader, and as many that hold bytes which another reader may need. */
  readonly keep?: number
  /**
   * Large buffers in use above which readers do not read ahead: the reads and writes of so many readers overlap already. 64
   * readers took 64 buffers instead of 115 to 128, and no more CPU time.
   */
  readonly crowd?: number
  /** Default: no piece waits for its turn. */
  readonly turns?: Pick<Turns, 'next'> | undefined
}

export type Source = Pick<Content, 'shared' | 'read'>

/** A body with readers, and its pieces that are in buffers. */
interface Shelf {
  readers: number
  /** By the position of the first byte. */
  readonly pieces: Map<number, Piece>
}

/** A buffer and the bytes in it. */
interface Piece {
  readonly buffer: Buffer
  /** Bytes in the buffer, known after `loaded`. */
  bytes: number
  loaded: Promise<void>
  /** Readers that wait for the bytes or send them. */
  users: number
  /** A cancelled read or write may still touch the buffer: it is not reused. */
  spoilt: boolean
  shelf: Shelf | undefined
  position: number
}

/** The bytes of a piece for one reader, which releases or forgets them once. */
export interface Taken {
  readonly data: Buffer
  /** Bytes that could be read at its position: these and the next ones. */
  readonly ready: number
  /** Ends the use: no write of this reader is under way. */
  readonly release: () => void
  /** Ends the use after a cancelled write, which may still read from the buffer. */
  readonly forget: () => void
}

export interface PooledReader {
  /**
   * Waits for the byte at `position` and resolves with bytes from there, none of them at or after `end`; undefined is the
   * end of the body. Rejects as Content.read does.
   */
  take(position: number, end?: number): Promise<Taken | undefined>
  leave(): void
}

export class BufferPool {
  readonly #shelves = new WeakMap<object, Shelf>()
  /** Without useful bytes; the last buffer that was used is reused first, because it is in the cache of the processor. */
  readonly #free: Piece[] = []
  /** Unused, with bytes that another reader may need; the least recently used piece comes first. */
  readonly #shelved = new Set<Piece>()
  readonly #limit: number
  readonly #keep: number
  readonly #crowd: number
  readonly #turns: BufferPoolOptions['turns']
  #made = 0

  constructor({ limit = 256, keep = 32, crowd = 64, turns }: BufferPoolOptions = {}) {
    this.#limit = limit
    this.#keep = keep
    this.#crowd = crowd
    this.#turns = turns
  }

  /** Large buffers that exist. */
  get made(): number {
    return this.#made
  }

  /** So many buffers are in use that readers must not read ahead. */
  get crowded(): boolean {
    return this.#made - this.#free.length - this.#shelved.size >= this.#crowd
  }

  /** Waits until a piece may be sent; undefined: it may be sent now. */
  turn(): Promise<void> | undefined {
    return this.#turns?.next()
  }

  /** Adds a reader, which leaves once, after it has released its pieces. */
  join(content: Source): PooledReader {
    const { shared } = content
    if (shared === undefined)
      return { take: (position, end) => this.#takeAlone(content, position, end), leave: nothing }
    const shelf = this.#shelves.get(shared.source) ?? { readers: 0, pieces: new Map<number, Piece>() }
    this.#shelves.set(shared.source, shelf)
    shelf.readers++
    return {
      take: (position, end) => this.#take(shared, shelf, position, end),
      leave: () => {
        shelf.readers--
        if (shelf.readers === 0) for (const piece of shelf.pieces.values()) this.#unshelve(piece)
      },
    }
  }

  #takeAlone(content: Source, position: number, end = Infinity): Promise<Taken | undefined> {
    const piece = this.#empty()
    return this.#await(this.#read(piece, content.read.bind(content), position, end - position), end - position)
  }

  async #take(shared: Shared, shelf: Shelf, position: number, end = Infinity): Promise<Taken | undefined> {
    const most = Math.min(await shared.arrived(position), end - position)
    if (most === 0) return undefined
    const turn = this.turn()
    if (turn !== undefined) await turn
    const piece = shelf.pieces.get(position) ?? this.#load(shared, shelf, position, most)
    return this.#await(piece, most)
  }

  async #await(piece: Piece, most: number): Promise<Taken | undefined> {
    this.#shelved.delete(piece)
    piece.users++
    try {
      await piece.loaded
    } catch (error) {
      this.#release(piece)
      throw error
    }
    if (piece.bytes === 0) {
      this.#release(piece)
      return undefined
    }
    return {
      data: piece.buffer.subarray(0, Math.min(piece.bytes, most)),
      ready: most,
      release: () => this.#release(piece),
      forget: () => {
        piece.spoilt = true
        this.#release(piece)
      },
    }
  }

  /**
   * Reads a piece, and puts it on the shelf if the body has other readers. A piece ends at a multiple of the buffer's size,
   * so that readers that began at different bytes share the following pieces.
   */
  #load(shared: Shared, shelf: Shelf, position: number, most: number): Piece {
    const piece = this.#empty()
    const length = Math.min(most, piece.buffer.length, bufferSize - (position % bufferSize))
    if (shelf.readers > 1) {
      piece.shelf = shelf
      piece.position = position
      shelf.pieces.set(position, piece)
    }
    return this.#read(piece, shared.read.bind(shared), position, length)
  }

  #read(piece: Piece, read: Content['read'], position: number, most: number): Piece {
    const { buffer } = piece
    piece.loaded = read(buffer.subarray(0, Math.min(most, buffer.length)), position).then(
      (bytes) => void (piece.bytes = bytes),
      (error: unknown) => {
        piece.spoilt = true
        this.#unshelve(piece)
        throw error
      },
    )
    return piece
  }

  #empty(): Piece {
    const free = this.#free.pop()
    if (free !== undefined) return free
    const [oldest] = this.#shelved
    if (oldest !== undefined && this.#made >= this.#limit) {
      this.#unshelve(oldest)
      return this.#empty()
    }
    const isLarge = this.#made < this.#limit
    if (isLarge) this.#made++
    return {
      buffer: Buffer.allocUnsafeSlow(isLarge ? bufferSize : spareSize),
      bytes: 0,
      loaded: Promise.resolve(),
      users: 0,
      spoilt: false,
      shelf: undefined,
      position: 0,
    }
  }

  #release(piece: Piece): void {
    piece.users--
    if (piece.users > 0) return
    if (piece.spoilt || piece.shelf === undefined || piece.shelf.readers < 2) return this.#unshelve(piece)
    this.#shelved.add(piece)
    const [oldest] = this.#shelved
    if (oldest !== undefined && this.#shelved.size > this.#keep) this.#unshelve(oldest)
  }

  /** Takes a piece off the shelf, and frees its buffer if it has no readers. */
  #unshelve(piece: Piece): void {
    piece.shelf?.pieces.delete(piece.position)
    piece.shelf = undefined
    this.#shelved.delete(piece)
    if (piece.users > 0 || piece.buffer.length !== bufferSize) return
    if (!piece.spoilt && this.#free.length < this.#keep) this.#free.push(piece)
    else this.#made--
  }
}

function nothing(): void {
  // There is no shelf to leave.
}
