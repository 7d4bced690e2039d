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

/** The calls of libc. Positions and counts are bytes; failures are negative. */
export interface Libc {
  /** A second descriptor of the same file or socket. */
  duplicate(fd: number): number
  close(fd: number): void
  /** In a thread of the pool. */
  sendfile(out: number, fd: number, position: number, count: number): Promise<number>
  /** Must the disk be read for the byte at `position`? False if the file system does not tell. */
  isOnDisk(fd: number, position: number): boolean
}

/**
 * Calls at once that find their bytes in memory; each holds one of the four threads of the pool. 64 readers got 5.5 to 7.2 GB/s
 * with three calls, 4.1 to 5.3 with two, and no more with four.
 */
const AT_ONCE = 3
/**
 * Calls at once that wait for the disk. While twelve clients took bodies from a disk of 20 MB/s, a hit of 2 MB that was in memory
 * took 2.2 to 2.7 s in the mean behind their calls, 1.2 to 1.5 s with buffers, and 0.04 to 0.2 s in nine of eleven runs with this.
 */
const FROM_DISK_AT_ONCE = 2
/** Bytes that one call may bring from the disk: 50 ms of that disk. */
const FROM_DISK = 1024 * 1024

/** undefined where there is no sendfile, or no build of koffi. */
export async function loadSendfile(): Promise<Sendfile | undefined> {
  const libc = await loadLibc()
  return libc && sendfileThrough(libc)
}

export function sendfileThrough(libc: Libc): Sendfile {
  const inMemory = atMost(AT_ONCE)
  const fromDisk = atMost(FROM_DISK_AT_ONCE)
  return (socket, fd, position, count) => {
    const isOnDisk = libc.isOnDisk(fd, position) || libc.isOnDisk(fd, position + count - 1)
    const [enter, most] = isOnDisk ? [fromDisk, FROM_DISK] : [inMemory, count]
    return enter(async () => {
      const open = socket()
      if (open === undefined) return 0
      // Node may close its descriptor during the call, and the number may then belong to another client.
      const out = libc.duplicate(open)
      if (out < 0) return 0
      try {
        return Math.max(0, await libc.sendfile(out, fd, position, Math.min(count, most)))
      } finally {
        libc.close(out)
      }
    })
  }
}

/** fcntl(2). */
const F_DUPFD_CLOEXEC = 1030
/** preadv2(2). */
const RWF_NOWAIT = 8

export async function loadLibc(): Promise<Libc | undefined> {
  // The types of the calls below are those of 64-bit processors.
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) return undefined
  try {
    const { default: koffi } = await import('koffi')
    const libc = koffi.load(null)
    const fcntl = libc.func('int fcntl(int fd, int command, ...)')
    const sendfile = libc.func('int64_t sendfile(int out, int in, const int64_t *offset, size_t count)')
    const vector = koffi.struct({ base: 'uint8_t *', length: 'size_t' })
    const preadv2 = libc.func('preadv2', 'int64_t', ['int', koffi.pointer(vector), 'int', 'int64_t', 'int'])
    const byte = { base: Buffer.alloc(1), length: 1 }
    return {
      duplicate: (fd) => fcntl(fd, F_DUPFD_CLOEXEC, 'int', 0) as number,
      close: closeSync,
      sendfile: (out, fd, position, count) =>
        new Promise((resolve, reject) => {
          sendfile.async(out, fd, [position], count, (error: Error | null, sent: number) =>
            error === null ? resolve(sent) : reject(error),
          )
        }),
      // Takes 2 µs.
      isOnDisk: (fd, position) =>
        preadv2(fd, byte, 1, position, RWF_NOWAIT) < 0 && koffi.errno() === koffi.os.errno['EAGAIN'],
    }
  } catch {
    return undefined
  }
}
