/** Bodies for tests: bytes that are the same for the same seed, at any offset, without being kept. */
import { createCipheriv, createHash } from 'node:crypto'

/** What an origin can serve: a Buffer is one, {@link generated} makes one that is computed as it is sent. */
export interface Body {
  readonly length: number
  subarray(start: number, end: number): Uint8Array
}

/** `length` bytes of the endless sequence that belongs to `seed`, from `start` on. */
export function bytes(seed: string, length: number, start = 0): Buffer {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16)
  const counter = Buffer.alloc(16)
  counter.writeBigUInt64BE(BigInt(Math.floor(start / 16)), 8)
  const skipped = start % 16
  return createCipheriv('aes-128-ctr', key, counter)
    .update(Buffer.alloc(length + skipped))
    .subarray(skipped)
}

/** Equal to `bytes(seed, length)`, for bodies too large to hold. */
export function generated(seed: string, length: number): Body {
  return { length, subarray: (start, end) => bytes(seed, end - start, start) }
}

export function sha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}
