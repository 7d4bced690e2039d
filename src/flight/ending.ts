/** How a flight ends: one type, in memory and on disk. */

import { KissError, type ErrorCode } from '../errors.js'
import type { Sha256 } from '../store/types.js'

export type Ending =
  /** The body is a blob, and the index names it. `size` and `sha256` let followers check what they have. */
  | { readonly kind: 'stored'; readonly sha256: Sha256; readonly size: number }
  /** Whole, but not kept: purged meanwhile, superseded, varying. */
  | { readonly kind: 'whole'; readonly sha256: Sha256; readonly size: number }
  /** The origin confirmed the entry that is there; the index has the new times. */
  | { readonly kind: 'renewed' }
  /** Nothing to do: when the lease was there, a fresh entry was there too. */
  | { readonly kind: 'present' }
  /** The content at the origin is another now: readers of this body are cut short, the next generation starts anew. */
  | { readonly kind: 'changed' }
  /** Another process continues it from the body. */
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly at: number; readonly remembered: boolean }

/** What is kept of an error on disk; every KissError is one. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly status: number
  readonly retryAfter?: number | undefined
  readonly hint?: string | undefined
}

/** JSON of an ending; the message of an error is none of the fields that JSON sees by itself. */
export function serialised(ending: Ending): string {
  if (ending.kind !== 'failed') return JSON.stringify(ending)
  const { code, message, status, retryAfter, hint } = ending.failure
  return JSON.stringify({ ...ending, failure: { code, message, status, retryAfter, hint } })
}

export function errorFrom(failure: Failure): KissError {
  if (failure instanceof KissError) return failure
  const { code, message, status, retryAfter, hint } = failure
  const more = { ...(retryAfter !== undefined && { retryAfter }), ...(hint !== undefined && { hint }) }
  return new KissError(code, message, { status, ...more })
}

/** Why a reader does not get the whole; undefined for an ending that is no error. */
export function errorOf(ending: Ending, shown: string): KissError | undefined {
  switch (ending.kind) {
    case 'failed':
      return errorFrom(ending.failure)
    case 'changed':
      return changedError(shown)
    case 'interrupted':
      return new KissError('interrupted', `the download of ${shown} was interrupted`)
    default:
      return undefined
  }
}

export function changedError(shown: string): KissError {
  return new KissError('content-changed', `cannot finish ${shown}: the content at the origin changed on the way`, {
    hint: 'fetch it again',
  })
}
