/** How many downloads run at once, in all and per host: first come, first served. */

export interface GateLimits {
  readonly total?: number | undefined
  readonly perHost?: number | undefined
}

interface Waiting {
  readonly host: string
  start(): void
}

export class Gate {
  readonly #total: number
  readonly #perHost: number
  #running = 0
  readonly #runningOf = new Map<string, number>()
  /** In order of arrival. */
  #waiting: readonly Waiting[] = []

  constructor({ total = Infinity, perHost = Infinity }: GateLimits) {
    this.#total = total
    this.#perHost = perHost
  }

  /**
   * Resolves, when there is room, with the function that gives the place back (once, however often it is called). A host
   * at its limit holds up nobody behind it. Rejects with the signal's reason when it is aborted before.
   */
  async enter(host: string, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted()
    if (!this.#hasRoom(host)) await this.#wait(host, signal)
    else this.#take(host)
    let left = false
    return () => {
      if (left) return
      left = true
      this.#leave(host)
    }
  }

  #hasRoom(host: string): boolean {
    return this.#running < this.#total && (this.#runningOf.get(host) ?? 0) < this.#perHost
  }

  #take(host: string): void {
    this.#running++
    this.#runningOf.set(host, (this.#runningOf.get(host) ?? 0) + 1)
  }

  #leave(host: string): void {
    this.#running--
    const running = (this.#runningOf.get(host) ?? 0) - 1
    if (running > 0) this.#runningOf.set(host, running)
    else this.#runningOf.delete(host)
    this.#admit()
  }

  /** The place is taken before the one who waited runs, so that nobody can slip in between. */
  #admit(): void {
    for (const next of this.#waiting) {
      if (this.#running >= this.#total) return
      if (!this.#hasRoom(next.host)) continue
      this.#take(next.host)
      this.#forget(next)
      next.start()
    }
  }

  #wait(host: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#forget(waiting)
        reject(signal?.reason as Error)
      }
      const waiting: Waiting = {
        host,
        start: () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        },
      }
      this.#waiting = [...this.#waiting, waiting]
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  #forget(gone: Waiting): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting !== gone)
  }
}
