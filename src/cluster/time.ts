/** Times between nodes are by the clock of Redis, so that a node whose clock is wrong obeys purges and shares its entries. */

import type { Entry } from '../store/types.js'

/** Milliseconds: clocks of nodes that differ by less count as equal. A report is on its way for less. */
const EQUAL = 2_000

/** The difference between the clock of this node and that of Redis. */
export class ClockDifference {
  /** Milliseconds by which this node is ahead; 0 until Redis has answered. */
  ahead = 0
  /** Milliseconds that the answer took from which `ahead` was computed. */
  #took = Infinity

  /** @param sentAt, receivedAt by the clock of this node, around the answer; milliseconds since the epoch */
  learn(redis: number, sentAt: number, receivedAt: number): void {
    const took = receivedAt - sentAt
    const found = (sentAt + receivedAt) / 2 - redis
    const ahead = Math.abs(found) < EQUAL ? 0 : Math.round(found)
    // The answer to a suspended process gives no exact time.
    if (took >= EQUAL || took < 0) return
    // The quickest answer is the most exact one, until a clock is set.
    if (took > this.#took && Math.abs(ahead - this.ahead) < EQUAL) return
    this.ahead = ahead
    this.#took = took
  }

  /** An entry of this node as other nodes are told of it. */
  told(entry: Entry): Entry {
    return moved(entry, -this.ahead)
  }

  /** An entry of another node, with times by the clock of this one. */
  heard(entry: Entry): Entry {
    return moved(entry, this.ahead)
  }
}

function moved(entry: Entry, ms: number): Entry {
  if (ms === 0) return entry
  const { storedAt, validatedAt, staleAt, lastUsedAt } = entry
  return {
    ...entry,
    storedAt: storedAt + ms,
    validatedAt: validatedAt + ms,
    staleAt: staleAt + ms,
    lastUsedAt: lastUsedAt + ms,
  }
}
