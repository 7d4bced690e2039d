/**
 * Limits the number of concurrent downloads, in total and per host. Waiting downloads get a slot in order of arrival; among
 * clients, the one with the fewest slots comes first. A slow download without a reader, or of a client with more than its
 * share, yields its slot to a waiting one.
 */

export interface GateLimits {
  readonly total?: number | undefined
  readonly perHost?: number | undefined
}

/** A download that needs a slot. */
export interface Visitor {
  readonly host: string
  /** The limit of this host, in place of the general one. */
  readonly places?: number | undefined
  /** Address of the client of the download, if there is one. */
  readonly client?: string | undefined
  /** It never waits, and is the first to yield. */
  readonly spare?: boolean
  /** Is it slow enough to yield its slot? `greedy`: its client holds more than its share. */
  isSlow?(greedy: boolean): boolean
  /** Asks it to leave; it may queue again. */
  yield?(): void
  /** Called when it has to wait, with a function that gives its position in the queue, from 1. */
  onQueue?(place: () => number): void
}

interface Waiting {
  readonly visitor: Visitor
  start(): void
}

/** Milliseconds between two checks for slow downloads while others wait. */
const LOOK = 1_000

/** There is no slot for a spare connection. */
class NoRoom extends Error {
  readonly code = 'ERR_NO_ROOM'
}

export class Gate {
  readonly #total: number
  readonly #perHost: number
  readonly #running = new Set<Visitor>()
  /** Asked to leave. */
  readonly #yielding = new Set<Visitor>()
  /** In order of arrival. */
  #waiting: readonly Waiting[] = []
  #timer: NodeJS.Timeout | undefined

  constructor({ total = Infinity, perHost = Infinity }: GateLimits) {
    this.#total = total
    this.#perHost = perHost
  }

  /**
   * Resolves, when a slot is free, with the function that returns it; a second call of the function has no effect. A host at its
   * limit does not block downloads of other hosts. Rejects with the reason of the signal, and with `ERR_NO_ROOM` for a spare
   * visitor if no slot is free.
   */
  async enter(visitor: Visitor, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted()
    const hasRoom = this.#hasRoom(visitor)
    if (visitor.spare === true && (!hasRoom || this.#waiting.length > 0)) throw new NoRoom()
    if (hasRoom) this.#running.add(visitor)
    else await this.#wait(visitor, signal)
    return () => this.#leave(visitor)
  }

  #hasRoom(visitor: Visitor): boolean {
    return this.#running.size < this.#total && !this.#isFull(visitor)
  }

  #isFull({ host, places = this.#perHost }: Visitor): boolean {
    return this.#countOf('host', host) >= places
  }

  #countOf(what: 'host' | 'client', name: string | undefined): number {
    let count = 0
    for (const visitor of this.#running) if (visitor[what] === name) count++
    return count
  }

  #leave(visitor: Visitor): void {
    if (!this.#running.delete(visitor)) return
    this.#yielding.delete(visitor)
    this.#admit()
  }

  /** The slot is taken before its visitor runs, so that no other visitor can take it in between. */
  #admit(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#running.add(next.visitor)
      this.#forget(next)
      next.start()
    }
  }

  /** The first waiting visitor with a free slot whose client holds the fewest slots. */
  #next(): Waiting | undefined {
    if (this.#running.size >= this.#total) return undefined
    let best: { readonly waiting: Waiting; readonly held: number } | undefined
    for (const waiting of this.#waiting) {
      if (!this.#hasRoom(waiting.visitor)) continue
      const held = this.#countOf('client', waiting.visitor.client)
      if (best === undefined || held < best.held) best = { waiting, held }
    }
    return best?.waiting
  }

  #wait(visitor: Visitor, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#forget(waiting)
        reject(signal?.reason as Error)
      }
      const waiting: Waiting = {
        visitor,
        start: () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        },
      }
      this.#waiting = [...this.#waiting, waiting]
      signal?.addEventListener('abort', abort, { once: true })
      this.#timer ??= setInterval(() => this.#look(), LOOK).unref()
      visitor.onQueue?.(() => this.#waiting.indexOf(waiting) + 1)
      this.#displace(visitor)
    })
  }

  /** Takes the slot of the latest spare connection for a waiting visitor. */
  #displace(visitor: Visitor): void {
    const isFull = this.#isFull(visitor)
    const spare = [...this.#running].findLast(
      (running) => running.spare === true && !this.#yielding.has(running) && (!isFull || running.host === visitor.host),
    )
    if (spare === undefined) return
    this.#yielding.add(spare)
    spare.yield?.()
  }

  #forget(gone: Waiting): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting !== gone)
    if (this.#waiting.length > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Asks one slow download to leave for each waiting one. */
  #look(): void {
    const clients = new Set(
      [...this.#running, ...this.#waiting.map(({ visitor }) => visitor)].map(({ client }) => client),
    )
    const share = Math.max(1, Math.floor(this.#total / clients.size))
    const asked = this.#yielding.size
    for (const { visitor } of this.#waiting.slice(asked)) {
      const sameHost = this.#isFull(visitor)
      for (const running of this.#running) {
        if (this.#yielding.has(running) || (sameHost && running.host !== visitor.host)) continue
        const greedy = running.client !== visitor.client && this.#countOf('client', running.client) > share
        if (running.isSlow?.(greedy) !== true) continue
        this.#yielding.add(running)
        running.yield?.()
        break
      }
    }
  }
}
