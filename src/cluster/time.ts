/** Times between nodes are by the clock of Redis, so that a node whose clock is wrong obeys purges and shares its entries. */

import type { Entry } from '../store/types.js'

/** Milliseconds: clocks of nodes that differ by less count as equal. A report is on its way for less. */
const EQUAL = 2_000

/** By how much the clock of this node is ahead of that of Redis. */
export class ClockDifference {
  /** Milliseconds; 0 until Redis has answered. */
  ahead = 0
  /** Milliseconds that the answer took by which it is known. */
  #took = Infinity

  /** @param sentAt, receivedAt by the clock of this node, around the answer; milliseconds since the epoch */
  learn(redis: number, sentAt: number, receivedAt: number): void {
    const took = receivedAt - sentAt
    const found = (sentAt + receivedAt) / 2 - redis
    const ahead = Math.abs(found) < EQUAL ? 0 : Math.round(found)
    // After a suspension the answer says little.
    if (took >= EQUAL || took < 0) return
    // The quickest answer is the most exact one, until a clock is set.
    if (took > this.#took && Math.abs(ahead - this.ahead) < EQUAL) return
    this.ahead = ahead
    this.#took = took
  }

  /** For other nodes. */
  told(entry: Entry): Entry {
    return moved(entry, -this.ahead)
  }

  /** Of another node. */
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
