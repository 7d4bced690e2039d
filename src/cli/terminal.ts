/** Writes text to the terminal. Control characters from an origin or a server never reach it. */

import { printableLines } from '../printable.js'

/** Writes lines; all other control characters are shown as escapes. */
export function writeLines(to: 'stdout' | 'stderr', text: string): void {
  process[to].write(`${printableLines(text)}\n`)
}

/** Writes a JSON document. Control characters in its strings are escaped without a change of meaning. */
export function writeJson(value: unknown): void {
  process.stdout.write(printableLines(JSON.stringify(value, null, 2)))
  // On its own: to append it would copy a list of 100,000 entries, which has 40 MB.
  process.stdout.write('\n')
}
