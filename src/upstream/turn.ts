/** One request's place among the downloads: taken at most once, given back at most once. */
import type { Gate } from './gate.js'

export class Turn {
  readonly #take: () => Promise<() => void>
  #place: Promise<() => void> | undefined
  #left = false

  constructor(gate: Gate, host: string, signal: AbortSignal) {
    this.#take = () => gate.enter(host, signal)
  }

  /** Resolves when there is a place; at once when there is one already, or none is needed any more. */
  async enter(): Promise<void> {
    if (this.#left) return
    this.#place ??= this.#take()
    await this.#place
  }

  leave(): void {
    this.#left = true
    // A place that was not to be had need not be given back.
    this.#place?.then(
      (giveBack) => giveBack(),
      () => undefined,
    )
  }
}
