/**
 * The memory that plain connections read into. A connection that delivers fast reads into slabs, which are reused when their
 * bytes are written: with fresh memory for each read, the kernel maps and clears new pages. Receiving 512 MiB took 0.6 to 1.2
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

const free: Buffer[] = []
/** The number of bytes that were read into the memory of a slab. */
const filled = new WeakMap<ArrayBufferLike, number>()

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
      if (buffer.length === SLAB) filled.set(buffer.buffer, bytes)
      buffer = full < PROVEN ? Buffer.allocUnsafeSlow(SMALL) : (free.pop() ?? Buffer.allocUnsafeSlow(SLAB))
      return this.push(chunk)
    },
  }
}

/**
 * Takes back the memory of a chunk that nothing reads any more. Only a chunk with all bytes of one read into a slab is reused.
 * The garbage collector frees all other chunks.
 */
export function recycle(chunk: Buffer): void {
  const { buffer, byteOffset, length } = chunk
  if (byteOffset !== 0 || filled.get(buffer) !== length) return
  filled.delete(buffer)
  if (free.length < KEEP) free.push(Buffer.from(buffer))
}
