/** How a transfer ends for its readers. */

import { KissError } from '../errors.js'
import type { RecordedFailure } from './directory.js'
import type { Entry } from '../store/types.js'

export type Settled =
  | { readonly kind: 'stored'; readonly entry: Entry }
  /** Whole, but not kept. */
  | { readonly kind: 'whole'; readonly sha256: string; readonly size: number }
  /** The origin confirmed the entry just now. */
  | { readonly kind: 'renewed' }
  /** Somebody else stored or renewed the entry before we had the lease. */
  | { readonly kind: 'present' }
  | { readonly kind: 'changed'; readonly error: KissError }
  | { readonly kind: 'failed'; readonly error: KissError }

export function changedError(shown: string): KissError {
  return new KissError('content-changed', `cannot finish ${shown}: the content at the origin changed on the way`, {
    hint: 'fetch it again',
  })
}

/** A failure that another process told. */
export function recalled(failure: RecordedFailure): KissError {
  const { code, message, status, retryAfter } = failure
  return new KissError(code, message, { status, ...(retryAfter === undefined ? {} : { retryAfter }) })
}
