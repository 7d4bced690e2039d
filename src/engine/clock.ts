/** The time of the system. */

import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../flight/collaborators.js'
import { monotonic } from '../store/process.js'

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic,
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal ? { signal } : {})
  },
}
