/** Standard output at the end of a command: it is written before the process ends, unless its reader has left. */

import { catchSignals } from './signals.js'

let givenUp = false

/** What standard output has not taken yet is not waited for. */
export function giveUpOutput(): void {
  givenUp = true
}

/** Resolves with what went wrong, when all is written or a signal says not to wait for a reader that has stopped reading. */
export async function outputWritten(): Promise<unknown> {
  if (givenUp) return undefined
  const signal = catchSignals(['SIGINT', 'SIGTERM', 'SIGHUP'])
  return new Promise((resolve) => {
    const interrupted = (): void => resolve(signal.reason)
    // The signal that ended the command has been answered: its result is small.
    if (!signal.aborted) signal.addEventListener('abort', interrupted)
    process.stdout.write('', resolve)
  })
}
