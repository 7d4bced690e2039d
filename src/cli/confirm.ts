/** Asks a question on the terminal. */

import { createInterface } from 'node:readline/promises'

/** A user can be asked: standard input and standard error are terminals. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

/** `y` and `yes` mean yes; any other input, or its end, means no. Rejects with the reason of the signal. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  // Not in raw mode: Ctrl-C stays a signal.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false })
  try {
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), closed])
    return /^y(?:es)?$/i.test(answer.trim())
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    lines.close()
  }
}
