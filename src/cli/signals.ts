/** The signals of the process as one AbortSignal. */

import { setMaxListeners } from 'node:events'
import { constants } from 'node:os'
import { KissError } from '../errors.js'

let controller = newController()
let first: NodeJS.Signals | undefined

function newController(): AbortController {
  const created = new AbortController()
  // Each download adds a listener: Node would warn at the eleventh.
  setMaxListeners(0, created.signal)
  return created
}

/** A new command begins. A signal that stopped an earlier command of this process does not stop it. */
export function forgetSignals(): void {
  controller = newController()
  first = undefined
}

/** The signal that stopped this process, once one did. */
export function stoppedBy(): NodeJS.Signals | undefined {
  return first
}

/** The exit code of a process that a signal ended, as shells expect it: 128 and the number of the signal. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

/**
 * Catches `signals` from now on: the first one aborts the returned signal with a KissError `interrupted`, so that files
 * and the index are left in order; any further one ends the process at once.
 */
export function catchSignals(signals: readonly NodeJS.Signals[]): AbortSignal {
  for (const signal of signals) {
    if (process.listeners(signal).includes(onSignal)) continue
    process.on(signal, onSignal)
  }
  return controller.signal
}

function onSignal(signal: NodeJS.Signals): void {
  if (first !== undefined) process.exit(exitCodeOf(signal))
  first = signal
  controller.abort(new KissError('interrupted', `interrupted by ${signal}`))
}
