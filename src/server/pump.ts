/**
 * The body pump: reads one buffer while the other is written, as fast as the slower side and no faster; with one buffer in
 * turn where there are many readers.
 */

import { KissError } from '../errors.js'
import type { Content } from '../engine/types.js'
import type { BufferPool } from './buffer-pool.js'
import type { BodySink } from './reply.js'

export interface Pumping {
  readonly content: Pick<Content, 'read'>
  /** Position of the first byte. */
  readonly first: number
  /** Position after the last byte; undefined: to the end, wherever that is. */
  readonly end: number | undefined
  readonly pool: BufferPool
  readonly sink: BodySink
  /** Called with the number of bytes when the operating system has them. */
  readonly sent: (bytes: number) => void
}

interface Chunk {
  readonly buffer: Buffer
  readonly bytes: number
}

/**
 * Sends the bytes and ends the body. Holds at most two buffers, and reads ahead by one. Rejects with what the content or
 * the sink rejected with; every read and write has settled by then.
 */
export async function pump({ content, first, end, pool, sink, sent }: Pumping): Promise<void> {
  if (end === first) return sink.end()
  let position = first

  const fill = async (buffer: Buffer): Promise<Chunk> => {
    const room = end === undefined ? buffer.length : Math.min(buffer.length, end - position)
    try {
      return { buffer, bytes: await content.read(buffer.subarray(0, room), position) }
    } catch (error) {
      pool.forget(buffer)
      throw error
    }
  }

  const drain = async ({ buffer, bytes }: Chunk, last: boolean): Promise<void> => {
    const data = buffer.subarray(0, bytes)
    try {
      await (last ? sink.end(data) : sink.write(data))
    } catch (error) {
      pool.forget(buffer)
      throw error
    }
    sent(bytes)
    pool.give(buffer)
  }

  let chunk = await fill(pool.take())
  while (chunk.bytes > 0) {
    position += chunk.bytes
    if (position === end) return drain(chunk, true)
    const ahead = pool.takeAhead()
    if (ahead === undefined) {
      await drain(chunk, false)
      chunk = await fill(pool.take())
      continue
    }
    const [written, next] = await Promise.allSettled([drain(chunk, false), fill(ahead)])
    if (written.status === 'rejected') {
      if (next.status === 'fulfilled') pool.give(next.value.buffer)
      throw written.reason
    }
    if (next.status === 'rejected') throw next.reason
    chunk = next.value
  }
  pool.give(chunk.buffer)
  if (end !== undefined) {
    throw new KissError('length-mismatch', `the body ended after ${position} bytes of ${end}`)
  }
  return sink.end()
}

/**
 * The same content, whose byte before `end` is read only after `until` has resolved: a required sum holds back the last byte of
 * the requested range, not only that of the body.
 */
export function holdingLastByte(
  content: Pick<Content, 'read'>,
  end: number,
  until: () => Promise<unknown>,
): Pick<Content, 'read'> {
  return {
    async read(buffer, position) {
      if (position + buffer.length < end) return content.read(buffer, position)
      if (position < end - 1) return content.read(buffer.subarray(0, end - 1 - position), position)
      await until()
      return content.read(buffer, position)
    },
  }
}
