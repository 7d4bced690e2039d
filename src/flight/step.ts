/** What an attempt comes to: the end of the body, or another attempt. */

import { systemCode } from '../errors.js'
import type { Ending } from './ending.js'

/** Another attempt is needed. */
export interface Again {
  readonly kind: 'again'
  readonly reason: string
  readonly cause?: unknown
  /** Milliseconds that the origin asks for; `binding`: it takes no request before. */
  readonly after?: number | undefined
  readonly binding?: boolean | undefined
  /** At once: nothing has failed. */
  readonly free?: boolean
}

/** How the body of a generation may end. */
export type BodyEnding = Extract<Ending, { kind: 'whole' | 'renewed' | 'changed' }>

export type Step = BodyEnding | Again

/** Nothing has failed: the next attempt waits for a place, or asks the node that goes on with the download. */
export const MOVED: Step = { kind: 'again', reason: 'another download had its place', free: true }

export function isMoved(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ERR_YIELDED' || code === 'ERR_MOVED'
}
