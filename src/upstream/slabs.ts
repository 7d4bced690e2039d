/**
 * The memory that plain connections read into. A connection that delivers fast reads into slabs, which are reused when nothing
 * uses their bytes any more: with fresh memory for each read, the kernel maps and clears new pages. Receiving 512 MiB took 0.6 to 1.2
 * CPU seconds with the 64 KiB that Node allocates for each read, and 0.15 with reused memory.
 */
import type { OnReadOpts, Socket } from 'node:net'

/** Bytes of one read of a new connection, as in Node itself. */
const SMALL = 64 * 1024
/** Bytes of one read of a fast connection. A miss of 512 MiB took 2.8 CPU seconds with 64 KiB, 2.4 with 128 and 2.1 with 256. */
const SLAB = 256 * 1024
/** A connection is fast after this number of reads in a row that filled at least half of the buffer. */
const PROVEN = 16
/** Unused slabs that are kept: two fast downloads need no new ones. */
const KEEP = 16

/** Slabs that are kept for readers at most, 16 MiB: beyond that, readers read their bytes from the file. */
const KEPT = 64

/** A slab with bytes of one read. */
interface Filled {
  readonly bytes: number
  /** Its writer, and those that have called {@link keep}. */
  users: number
  kept: boolean
}

const free: Buffer[] = []
const filled = new WeakMap<ArrayBufferLike, Filled>()
/** Slabs that are kept. */
let kept = 0

/** The option `onread` of one socket. */
export function slabReads(): OnReadOpts {
  let buffer: Buffer = Buffer.allocUnsafeSlow(SMALL)
  let full = 0
  return {
    buffer: () => buffer,
    callback(this: Socket, bytes: number): boolean {
      const chunk = buffer.subarray(0, bytes)
      full = bytes < buffer.length / 2 ? 0 : full + 1
      // A few bytes do not keep a whole buffer.
      if (full === 0) return this.push(Buffer.from(chunk))
      if (buffer.length === SLAB) filled.set(buffer.buffer, { bytes, users: 1, kept: false })
      buffer = full < PROVEN ? Buffer.allocUnsafeSlow(SMALL) : (free.pop() ?? Buffer.allocUnsafeSlow(SLAB))
      return this.push(chunk)
    },
  }
}

/**
 * Ends a use of a chunk: after the last one its memory is reused. Only a chunk with all bytes of one read into a slab is reused.
 * The garbage collector frees all other chunks.
 */
export function recycle(chunk: Buffer): void {
  const slab = slabOf(chunk)
  if (slab === undefined || --slab.users > 0) return
  forgetSlab(chunk, slab)
  if (free.length < KEEP) free.push(Buffer.from(chunk.buffer))
}

/** Adds a use, which {@link recycle} or {@link abandon} ends. False: the chunk is not a whole slab, or too many are kept. */
export function keep(chunk: Buffer): boolean {
  const slab = slabOf(chunk)
  if (slab === undefined || (!slab.kept && kept >= KEPT)) return false
  if (!slab.kept) kept++
  slab.kept = true
  slab.users++
  return true
}

/** Ends a use after a cancelled write, which may still read the memory: it is never reused. */
export function abandon(chunk: Buffer): void {
  const slab = slabOf(chunk)
  if (slab !== undefined) forgetSlab(chunk, slab)
}

function slabOf({ buffer, byteOffset, length }: Buffer): Filled | undefined {
  const slab = filled.get(buffer)
  return byteOffset === 0 && slab?.bytes === length ? slab : undefined
}

function forgetSlab({ buffer }: Buffer, slab: Filled): void {
  filled.delete(buffer)
  if (slab.kept) kept--
}
