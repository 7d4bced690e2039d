/**
 * sendfile(2) of Linux: the kernel sends the pages of a file from its cache, where Node would copy each byte twice. Node has no
 * interface to it, so libc is called through koffi.
 */

import { closeSync } from 'node:fs'
import { atMost } from '../waits.js'

/**
 * Sends at most `count` bytes of the open file `fd` from `position` on. Resolves with the number of bytes that the socket took:
 * 0 if it is full, or if the kernel cannot do it for this file or this socket.
 *
 * @param socket gives the descriptor of a socket, whose writes have ended, at the moment of the call; undefined: it is closed
 */
export type Sendfile = (
  socket: () => number | undefined,
  fd: number,
  position: number,
  count: number,
) => Promise<number>

/** fcntl(2). */
const F_DUPFD_CLOEXEC = 1030

/**
 * Calls at once. Each holds one of the four threads of the pool, for as long as a slow disk takes: the fourth one is left for
 * reads, writes and the index. 64 readers got 5.5 to 7.2 GB/s with three calls, 4.1 to 5.3 with two, and no more with four.
 */
const AT_ONCE = 3

/** undefined where there is no sendfile, or no build of koffi. */
export async function loadSendfile(): Promise<Sendfile | undefined> {
  // The types of the call below are those of 64-bit processors.
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) return undefined
  try {
    const { default: koffi } = await import('koffi')
    const libc = koffi.load(null)
    const fcntl = libc.func('int fcntl(int fd, int command, ...)')
    const sendfile = libc.func('int64_t sendfile(int out, int in, const int64_t *offset, size_t count)')
    const inTurn = atMost(AT_ONCE)
    return (socket, fd, position, count) =>
      inTurn(async () => {
        const open = socket()
        if (open === undefined) return 0
        // Node may close its descriptor during the call, and the number may then belong to another client.
        const out = fcntl(open, F_DUPFD_CLOEXEC, 'int', 0) as number
        if (out < 0) return 0
        try {
          return await new Promise<number>((resolve, reject) => {
            sendfile.async(out, fd, [position], count, (error: Error | null, sent: number) =>
              error === null ? resolve(Math.max(0, sent)) : reject(error),
            )
          })
        } finally {
          closeSync(out)
        }
      })
  } catch {
    return undefined
  }
}
