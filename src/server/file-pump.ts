/** Sends the bytes of a body that have arrived from its file, without a copy in this process, where the response can. */

import type { BufferPool, Source } from './buffer-pool.js'
import type { BodySink } from './reply.js'

export interface Pumping {
  readonly content: Source
  /** Position of the first byte. */
  readonly first: number
  /** Position after the last byte; undefined: to the end, wherever that is. */
  readonly end: number | undefined
  readonly pool: BufferPool
  readonly sink: BodySink
  /** Called with the number of bytes when the operating system has them. */
  readonly sent: (bytes: number) => void
}

/**
 * Bytes that must be ready. Readers at the head of a slow download share a buffer: fifty of them took 2.5 CPU seconds in place
 * of 2.1 with sendfile for every byte, because each call is a trip to the thread pool.
 */
export const ENOUGH = 256 * 1024
/**
 * Bytes that one call may send: it holds a thread of the pool for so long. Hits of 100 MiB took 0.16 CPU seconds a GB with this,
 * 0.27 with 1 MiB, and 0.40 with 256 KiB.
 */
const AT_ONCE = 4 * 1024 * 1024
/** Bytes that are written through Node when the socket is full. */
const PIECE = 16 * 1024
/** Calls in a row that send nothing. After them the body goes on through buffers: the kernel may refuse this file or this socket. */
const IN_VAIN = 3

export function canSendFile({ content: { shared }, end, sink }: Pumping): boolean {
  return end !== undefined && sink.sendFile !== undefined && shared?.withFile !== undefined
}

/**
 * Sends from `position` on, to the end or until the reader has caught up with the download. Resolves with the position of the
 * first byte that was not sent. Node cannot tell when a socket has room again, but a write ends when it had room: so a full
 * socket gets a small piece by a write, and then as much of the file as it takes.
 */
export async function pumpFile(
  { content: { shared }, end, pool, sink, sent }: Pumping,
  position: number,
): Promise<{ readonly position: number; readonly inVain: boolean }> {
  const { sendFile } = sink
  if (end === undefined || !sendFile || !shared?.withFile) return { position, inVain: true }
  for (let calls = 0; calls < IN_VAIN; calls++) {
    let ready: number
    for (;;) {
      ready = Math.min(await shared.arrived(position), end - position)
      if (ready < ENOUGH && position + ready < end) return { position, inVain: false }
      const turn = pool.turn()
      if (turn !== undefined) await turn
      const bytes = await shared.withFile((fd) => sendFile(fd, position, Math.min(ready, AT_ONCE)))
      if (bytes === 0) break
      sent(bytes)
      position += bytes
      if (position === end) return { position, inVain: false }
      calls = 0
    }
    const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE, ready))
    const piece = buffer.subarray(0, await shared.read(buffer, position))
    await sink.write(piece)
    sent(piece.length)
    position += piece.length
    if (position === end) return { position, inVain: false }
  }
  return { position, inVain: true }
}
