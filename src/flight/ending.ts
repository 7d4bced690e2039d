/** The ending of a flight: one type, in memory and on disk. */

import { KissError, type ErrorCode } from '../errors.js'
import type { Sha256 } from '../store/types.js'

export type Ending =
  /** The body is a blob, and the index names it. Followers check their bytes by `size` and `sha256`. */
  | { readonly kind: 'stored'; readonly sha256: Sha256; readonly size: number }
  /** Whole, but not stored: purged meanwhile, superseded, varying. */
  | { readonly kind: 'whole'; readonly sha256: Sha256; readonly size: number }
  /** The origin confirmed the stored entry; the index has the new times. */
  | { readonly kind: 'renewed' }
  /** Nothing to do: another process stored a fresh entry before the lease was taken. */
  | { readonly kind: 'present' }
  /** The content at the origin changed: readers of this body are cut short, and the next generation starts from the first byte. */
  | { readonly kind: 'changed' }
  /** Another process can continue the body. */
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly at: number; readonly remembered: boolean }

/** The fields of an error that are written to disk; every KissError has them. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly status: number
  readonly retryAfter?: number | undefined
  readonly hint?: string | undefined
}

/** JSON of an ending. `message` is named because JSON.stringify omits it from an Error. */
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

/** The error of a reader that does not get the whole body; undefined for an ending that is not an error. */
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
