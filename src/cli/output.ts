/** Standard output at the end of a command: it is written before the process ends, unless its reader has left. */

import { catchSignals } from './signals.js'

let givenUp = false

/** Does not wait for output that is still buffered. */
export function giveUpOutput(): void {
  givenUp = true
}

/** Resolves with the error, if any, when all is written or a signal ends the wait for a reader that stopped reading. */
export async function outputWritten(): Promise<unknown> {
  if (givenUp) return undefined
  const signal = catchSignals(['SIGINT', 'SIGTERM', 'SIGHUP'])
  return new Promise((resolve) => {
    const interrupted = (): void => resolve(signal.reason)
    // The command has already ended by the signal, and its result is small.
    if (!signal.aborted) signal.addEventListener('abort', interrupted)
    process.stdout.write('', resolve)
  })
}
