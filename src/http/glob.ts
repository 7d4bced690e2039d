/**
 * Globs over URLs. Pure. Clients choose the URLs and some globs: all alternatives of a pattern are followed in parallel, so that
 * the time is bounded by the length of the text times that of the pattern.
 */

import { encodedPattern } from './parse-url.js'

/** Any characters but `/`; any at all; any folders or none; one character but `/`. All other steps are characters. */
export type Wildcard = '*' | '**' | '**/' | '?'

/** Inside the folders of `**\/`: the next step may begin only after a `/`. */
const WITHIN = 'within'

function isWildcard(step: string): step is Wildcard {
  return step === '*' || step === '**' || step === '**/' || step === '?'
}

export class Glob {
  /** The text before the first wildcard: most texts differ there already. */
  readonly #prefix: string
  readonly #steps: readonly string[]

  /** @param steps characters and wildcards, in order */
  constructor(steps: readonly string[]) {
    const first = steps.findIndex(isWildcard)
    const literal = first === -1 ? steps.length : first
    this.#prefix = steps.slice(0, literal).join('')
    this.#steps = steps.slice(literal).flatMap((step) => (step === '**/' ? [step, WITHIN] : [step]))
  }

  /** Does the whole text match? */
  test(text: string): boolean {
    if (!text.startsWith(this.#prefix)) return false
    const end = this.#steps.length
    let [at, next] = [new Places(end + 1), new Places(end + 1)]
    this.#reach(0, at)
    for (let index = this.#prefix.length; index < text.length && at.list.length > 0; index++) {
      next.clear()
      for (const step of at.list) this.#pass(step, text.charAt(index), next)
      ;[at, next] = [next, at]
    }
    return at.list.includes(end)
  }

  /** Adds the position before a step, and the position after it if the step may match nothing. */
  #reach(index: number, at: Places): void {
    at.add(index)
    const step = this.#steps[index]
    if (step === '*' || step === '**') this.#reach(index + 1, at)
    else if (step === '**/') this.#reach(index + 2, at)
  }

  /** The positions that a character leads to from before a step. */
  #pass(index: number, char: string, next: Places): void {
    switch (this.#steps[index]) {
      case '**':
        return this.#reach(index, next)
      case '*':
        return char === '/' ? undefined : this.#reach(index, next)
      case '?':
        return char === '/' ? undefined : this.#reach(index + 1, next)
      case '**/':
        return this.#pass(index + 1, char, next)
      case WITHIN:
        next.add(index)
        return char === '/' ? this.#reach(index + 1, next) : undefined
      case char:
        return this.#reach(index + 1, next)
    }
  }
}

/**
 * `*` stands for any characters but `/`, `**` for any characters, `**` followed by `/` for any number of folders, `?` for one
 * character but `/`. All other characters stand for themselves, also brackets and braces, which occur in URLs. Libraries for
 * globs of paths read `**` as `*` if it is not a whole segment.
 */
export function globPattern(glob: string): Glob {
  const steps = encodedPattern(glob).match(/\*\*+\/?|[^]/g) ?? []
  return new Glob(steps.map((step) => step.replace(/^\*{2,}/, '**')))
}

/** The places in a pattern that one character leads to, each once. */
class Places {
  readonly list: number[] = []
  readonly #reached: Uint8Array

  constructor(count: number) {
    this.#reached = new Uint8Array(count)
  }

  add(place: number): void {
    if (this.#reached[place] === 1) return
    this.#reached[place] = 1
    this.list.push(place)
  }

  clear(): void {
    for (const place of this.list) this.#reached[place] = 0
    this.list.length = 0
  }
}
