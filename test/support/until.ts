/** Waits for a state that no event announces, such as one of another process. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds between two looks. Looking without a pause would take the processor from the process that is awaited. */
const PAUSE = 10
/** Milliseconds until the wait fails. It is below the timeout of a test, so that the failure says what was awaited. */
const PATIENCE = 50_000

/** @throws Error that names `what` when `condition` stays false */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patience = PATIENCE,
): Promise<void> {
  for (const end = Date.now() + patience; !(await condition()); await sleep(PAUSE))
    if (Date.now() > end) throw new Error(`waited ${patience / 1000} s in vain: ${what}`)
}
