/** Waits for an index that others hold. */

import { setTimeout as sleep } from 'node:timers/promises'
import { faultOf } from './faults.js'

/** Milliseconds between tries where SQLite does not wait by itself. */
const BUSY_POLL = 10

/**
 * SQLite does not wait in every case: not where two change the journal mode, nor where the last other connection is cleaning
 * up. Only what stays busy for as long as the busy timeout is locked for good.
 */
export async function patiently<T>(work: () => Promise<T>, milliseconds: number): Promise<T> {
  const deadline = performance.now() + milliseconds
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (faultOf(error) !== 'locked' || performance.now() >= deadline) throw error
      await sleep(BUSY_POLL)
    }
  }
}
