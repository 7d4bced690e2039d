/** The result of an attempt: the end of the body, or another attempt. */

import { systemCode } from '../errors.js'
import type { Ending } from './ending.js'

/** Another attempt is needed. */
export interface Again {
  readonly kind: 'again'
  readonly reason: string
  readonly cause?: unknown
  /** Milliseconds that the origin asks for; `binding`: an earlier request would fail. */
  readonly after?: number | undefined
  readonly binding?: boolean | undefined
  /** Without a pause: nothing failed. */
  readonly free?: boolean
}

/** The endings of the body of a generation. */
export type BodyEnding = Extract<Ending, { kind: 'whole' | 'renewed' | 'changed' }>

export type Step = BodyEnding | Again

/** Nothing failed: the next attempt waits for a turn, or asks the node that continues the download. */
export const MOVED: Step = { kind: 'again', reason: 'another download had its place', free: true }

export function isMoved(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ERR_YIELDED' || code === 'ERR_MOVED'
}
