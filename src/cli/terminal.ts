/** The one place that writes text for people. A terminal never obeys text that an origin or a server sent. */

import { printable } from '../printable.js'

/** Writes lines; all other control characters are shown as escapes. */
export function writeLines(to: 'stdout' | 'stderr', text: string): void {
  process[to].write(`${shownLines(text)}\n`)
}

/** Writes a JSON document. In its strings the escapes mean what the characters meant. */
export function writeJson(value: unknown): void {
  process.stdout.write(`${shownLines(JSON.stringify(value, null, 2))}\n`)
}

function shownLines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}
