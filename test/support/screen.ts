/** What a terminal of some columns shows after it was sent some bytes: the controls that programs with bars use. */

import { execFileSync } from 'node:child_process'

/** Is there the `script` of util-linux, which gives a command a terminal? */
export function hasScript(): boolean {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux')
  } catch {
    return false
  }
}

/** ESC [ parameters letter. */
const control = /\u001b\[([?\d;]*)([A-Za-z])|\r|\n|[^\u001b]/gu

export class Screen {
  readonly #columns: number
  readonly #rows: string[][] = [[]]
  #row = 0
  #column = 0

  constructor(columns: number) {
    this.#columns = columns
  }

  /** Every line that is on the screen or has scrolled off it, without blanks at its end. */
  get lines(): string[] {
    return this.#rows.map((row) => row.join('').trimEnd())
  }

  write(text: string): void {
    for (const [all, parameters = '', letter] of text.matchAll(control)) {
      if (letter !== undefined) this.#obey(letter, parameters)
      else if (all === '\r') this.#column = 0
      else if (all === '\n') this.#down()
      else this.#put(all)
    }
  }

  #put(character: string): void {
    if (this.#column === this.#columns) {
      this.#down()
      this.#column = 0
    }
    const row = this.#rows[this.#row]!
    while (row.length < this.#column) row.push(' ')
    row[this.#column++] = character
  }

  #down(): void {
    this.#row++
    this.#rows[this.#row] ??= []
  }

  #obey(letter: string, parameters: string): void {
    const count = Number(parameters) || 1
    if (letter === 'A') this.#row = Math.max(0, this.#row - count)
    else if (letter === 'B') for (let step = 0; step < count; step++) this.#down()
    else if (letter === 'C') this.#column = Math.min(this.#columns - 1, this.#column + count)
    else if (letter === 'D') this.#column = Math.max(0, this.#column - count)
    else if (letter === 'G') this.#column = count - 1
    else if (letter === 'K') this.#clearLine(parameters)
    else if (letter === 'J') {
      this.#clearLine('0')
      this.#rows.splice(this.#row + 1)
    }
  }

  #clearLine(how: string): void {
    if (how === '2') this.#rows[this.#row] = []
    else if (how !== '1') this.#rows[this.#row]!.splice(this.#column)
  }
}
