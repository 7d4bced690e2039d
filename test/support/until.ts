/** Waits for a state that no event announces, such as one of another process. */
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Milliseconds between two looks, at least and at most, and as a multiple of the duration of a look. Looks at a short
 * distance would take the processor from the process that is awaited.
 */
const PAUSE = 10
const LONGEST_PAUSE = 250
const LOOKS = 4
/** Milliseconds until the wait fails. It is below the timeout of a test, so that the failure says what was awaited. */
const PATIENCE = 50_000

/** @throws Error that names `what` when `condition` stays false */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patience = PATIENCE,
): Promise<void> {
  for (const end = performance.now() + patience; ;) {
    const began = performance.now()
    if (await condition()) return
    if (began > end) throw new Error(`waited ${patience / 1000} s in vain: ${what}`)
    await sleep(Math.min(LONGEST_PAUSE, Math.max(PAUSE, LOOKS * (performance.now() - began))))
  }
}
