/**
 * The body pump: reads one piece while the other is written, as fast as the slower side and no faster; one piece in turn
 * where there are many readers. Where much of the body is ready, the kernel sends it from the file (file-pump.ts).
 */

import { KissError } from '../errors.js'
import type { Source, Taken } from './buffer-pool.js'
import { canSendFile, ENOUGH, pumpFile, type Pumping } from './file-pump.js'

/**
 * Sends the bytes and ends the body. Holds at most two pieces, and reads ahead by one. Rejects with what the content or
 * the sink rejected with; every read and write has settled by then.
 */
export async function pump(pumping: Pumping): Promise<void> {
  const { content, first, end, pool, sink, sent } = pumping
  if (end === first) return sink.end()
  let fromFile = canSendFile(pumping)
  const reader = pool.join(content)

  const drain = async ({ data, release, forget }: Taken, last: boolean): Promise<void> => {
    try {
      await (last ? sink.end(data) : sink.write(data))
    } catch (error) {
      forget()
      throw error
    }
    sent(data.length)
    release()
  }

  try {
    let position = first
    let piece = await reader.take(position, end)
    while (piece !== undefined) {
      position += piece.data.length
      if (position === end) return await drain(piece, true)
      const isEnough = fromFile && piece.ready - piece.data.length >= ENOUGH
      if (isEnough || pool.crowded) {
        await drain(piece, false)
        if (isEnough) {
          const left = await pumpFile(pumping, position)
          position = left.position
          fromFile = !left.inVain
          if (position === end) return await sink.end()
        }
        piece = await reader.take(position, end)
        continue
      }
      const [written, next] = await Promise.allSettled([drain(piece, false), reader.take(position, end)])
      if (written.status === 'rejected') {
        if (next.status === 'fulfilled') next.value?.release()
        throw written.reason
      }
      if (next.status === 'rejected') throw next.reason
      piece = next.value
    }
    if (end !== undefined) throw new KissError('length-mismatch', `the body ended after ${position} bytes of ${end}`)
    return await sink.end()
  } finally {
    reader.leave()
  }
}

/**
 * The same content, whose byte before `end` is read only after `until` has resolved: a required sum holds back the last byte of
 * the requested range, not only that of the body.
 */
export function holdingLastByte(content: Source, end: number, until: () => Promise<unknown>): Source {
  return {
    async read(buffer, position) {
      if (position + buffer.length < end) return content.read(buffer, position)
      if (position < end - 1) return content.read(buffer.subarray(0, end - 1 - position), position)
      await until()
      return content.read(buffer, position)
    },
  }
}
