/** The parameters of attempts, and the result of one: the end of the body, or another attempt. */

import { systemCode } from '../errors.js'
import type { Collaborators, Counting, FlightSettings } from './collaborators.js'
import type { Sum } from './directory.js'
import type { Ending } from './ending.js'
import type { LandingPlace } from './landing.js'
import type { Order, Seed } from './order.js'
import type { FlightState } from './state.js'

export interface AttemptsOptions {
  readonly order: Order
  readonly collaborators: Pick<Collaborators, 'origins' | 'clock' | 'random' | 'resourceKey' | 'trace' | 'parallel'> & {
    readonly store: Counting
    readonly settings: Pick<FlightSettings, 'retryFor'>
  }
  readonly landing: LandingPlace
  readonly state: Pick<FlightState, 'waiting' | 'readers' | 'connections'>
  /** Of a predecessor that was interrupted: the sum that it computed, and when its last byte came, in milliseconds since the epoch. */
  readonly left: { readonly sum: Sum | undefined; readonly writtenAt: number | undefined } | undefined
  /** An answer that has arrived already: it showed that the content changed. */
  readonly seed: Seed | undefined
  readonly signal: AbortSignal
}

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
