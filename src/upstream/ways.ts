/** The part that the sources of the network share: the connections, the end of a request, and the time for its headers. */

import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type { Received } from './answer.js'
import type { Network } from './network.js'
import { LONGEST_TIMER } from '../waits.js'
import type { OriginAnswer, OriginRequest, OwnServer, Turn } from './types.js'
import { errors } from 'undici'

export interface Ways {
  /** Under the address guard. */
  readonly guarded: Network
  /** For addresses that the operator chose: only the deny list holds. */
  readonly trusted: Network
  readonly self: OwnServer | undefined
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** The answer under the cap, the timeouts and the turn of its request; an answer without a body needs no turn any more. */
  finish(received: Received, request: OriginRequest, turn: Turn): OriginAnswer
}

/** Asks under a signal that is aborted with `signal`, or when there are no headers within `ms` milliseconds. */
export async function within<T>(ms: number, signal: AbortSignal, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController()
  const timer = setTimeout(
    () => late.abort(new errors.HeadersTimeoutError(`no answer within ${Math.round(ms / 1000)} s`)),
    Math.min(ms, LONGEST_TIMER),
  )
  try {
    return await ask(AbortSignal.any([signal, late.signal]))
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves when the body has a byte or has ended. Throws its error. */
export async function begun(body: Readable): Promise<void> {
  if (body.errored) throw body.errored
  if (body.readableLength > 0 || body.readableEnded || body.closed) return
  const over = new AbortController()
  try {
    // A body without a byte is never readable.
    await Promise.race(['readable', 'end', 'close'].map((event) => once(body, event, { signal: over.signal })))
  } finally {
    // A listener for `readable` would keep the body from flowing.
    over.abort()
  }
}
