/** Decides when a dead worker is replaced, and when the server gives up. Pure. */

/** Milliseconds of listening after which the death of a worker does not count as immediate. */
const STABLE = 2_000
/** Milliseconds before the third worker in a row that dies at once is replaced; doubles with each. */
const FIRST = 500
/** Milliseconds. */
const LONGEST = 30_000
/** Workers in a row that did not come to listen, with none left that does. */
const ATTEMPTS = 5

/** Workers in a row that died at once. */
export interface Restarts {
  readonly inRow: number
}

export interface Death {
  /** It listened. */
  readonly listened: boolean
  /** Milliseconds. */
  readonly lived: number
  /** The number of other workers that listen. */
  readonly othersListening: number
  /** It reported why it could not start, and no worker ever started: the next one would fail as well. */
  readonly hopeless: boolean
}

/** `wait`: milliseconds until the next one; undefined: none can start, give up. */
export function afterDeath(restarts: Restarts, death: Death): { restarts: Restarts; wait: number | undefined } {
  if (death.listened && death.lived >= STABLE) return { restarts: { inRow: 0 }, wait: 0 }
  const inRow = restarts.inRow + 1
  const noneLeft = !death.listened && death.othersListening === 0
  if (noneLeft && (death.hopeless || inRow >= ATTEMPTS)) return { restarts: { inRow }, wait: undefined }
  return { restarts: { inRow }, wait: inRow < 2 ? 0 : Math.min(FIRST * 2 ** (inRow - 2), LONGEST) }
}
