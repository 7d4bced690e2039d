/** Writes text to the terminal. Control characters from an origin or a server never reach it. */

import { printable } from '../printable.js'

/** Writes lines; all other control characters are shown as escapes. */
export function writeLines(to: 'stdout' | 'stderr', text: string): void {
  process[to].write(`${shownLines(text)}\n`)
}

/** Writes a JSON document. Control characters in its strings are escaped without a change of meaning. */
export function writeJson(value: unknown): void {
  process.stdout.write(`${shownLines(JSON.stringify(value, null, 2))}\n`)
}

function shownLines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}
