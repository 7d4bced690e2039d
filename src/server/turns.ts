/** Keeps the turns of the event loop short while clients connect. */

/**
 * Pieces of bodies that may be sent in one turn while clients connect. libuv accepts one connection in each turn. Without a
 * limit the first readers took 5 to 20 ms of each turn to catch up, and the last of fifty clients of a new artifact was
 * accepted 300 to 700 ms after the first. For the herd on a server that has answered misses, on a machine with other work, the
 * slowest first byte took 439 ms without a limit and 179 with this one, and 208 and 126 ms of CPU time of the event loop; a limit
 * of eight pieces gave more. Hits take no longer.
 */
const PIECES = 2

export class Turns {
  /** Pieces that may still be sent in this turn. */
  #left = Infinity
  /** A connection was accepted since the last turn: another one may be waiting. */
  #connected = false
  readonly #waiting: (() => void)[] = []

  /** A client has connected. */
  connected(): void {
    this.#connected = true
    if (this.#left === Infinity) this.#limit(PIECES)
  }

  /** Waits until a piece may be sent; undefined: it may be sent now. */
  next(): Promise<void> | undefined {
    if (this.#left === 0) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#left--
    return undefined
  }

  #limit(pieces: number): void {
    const ready = this.#waiting.splice(0, pieces)
    this.#left = pieces - ready.length
    for (const resolve of ready) resolve()
    if (pieces === Infinity) return
    setImmediate(() => {
      const pieces = this.#connected ? PIECES : Infinity
      this.#connected = false
      this.#limit(pieces)
    })
  }
}
