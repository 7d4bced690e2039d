/** Reads files that a command line names, so that a signal can end the process meanwhile. */

import { constants, createReadStream, openSync, statSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'

/**
 * Opens a file for reading. A pipe, such as that of `<(command)`, is read by a socket: a read in the thread pool would block
 * the end of the process until the pipe ends.
 */
export function openInput(file: string): Readable {
  if (statSync(file, { throwIfNoEntry: false })?.isFIFO() !== true) return createReadStream(file)
  // Without this flag the open would block until the pipe has a writer. A read of a terminal would fail with it.
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  return new Socket({ fd, readable: true, writable: false })
}
