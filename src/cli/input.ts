/** Reads files that a command line names, so that a signal can end the process meanwhile. */

import { constants, createReadStream, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'

/**
 * Opens a file for reading. A pipe, such as that of `<(command)`, is read by a socket: a read in the thread pool
 * would block the end of the process until the pipe ends. Throws the error of the system, or the stream emits it.
 */
export function openInput(file: string): Readable {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  return fstatSync(fd).isFIFO() ? new Socket({ fd, readable: true, writable: false }) : createReadStream('', { fd })
}
