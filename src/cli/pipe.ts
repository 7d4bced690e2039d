/** A named pipe as an output, such that a signal can end the process meanwhile. */

import { constants, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemCode } from '../errors.js'

/** Milliseconds between two checks for a reader. */
const LOOK = 50

/**
 * Opens a named pipe as an output, and resolves when it has a reader. Opening blocks until then, and writing until the reader
 * reads. In Node's thread pool such a call would also block the end of the process, so nothing here blocks.
 * Rejects with the reason of the signal or the error of the system.
 */
export async function openPipe(file: string, signal: AbortSignal): Promise<Socket> {
  for (;;) {
    signal.throwIfAborted()
    try {
      const fd = openSync(file, constants.O_WRONLY | constants.O_NONBLOCK)
      const pipe = new Socket({ fd, readable: false, writable: true })
      // The writer gets the error as well.
      return pipe.on('error', () => undefined)
    } catch (error) {
      // fifo(7): no process has it open for reading.
      if (systemCode(error) !== 'ENXIO') throw error
    }
    await sleep(LOOK)
  }
}

/** Resolves when the reader can see the end. */
export async function closePipe(pipe: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    pipe.once('close', () => resolve())
    pipe.end(() => pipe.destroy())
  })
}
