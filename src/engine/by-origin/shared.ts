/** Collapses equal requests to an origin that come at the same time (RFC 9111 §4). */

import { keyOf } from '../../store/select.js'
import { unlessAborted } from '../../waits.js'
import type { RequestState } from '../request-state.js'
import type { Asked } from './asked.js'

/** Fields that differ from request to request and select no answer. */
const incidental = /^(x-request-id|x-correlation-id|traceparent|tracestate)$/

/** undefined for a request of one client alone. Requests with equal fields select equal answers under every Vary. */
export function keyOfRequest(
  { subject, request }: RequestState,
  { method, fields, credentialed, unstorable }: Asked,
): string | undefined {
  if (method !== 'GET' || credentialed || unstorable || request.sha256 !== undefined) return undefined
  const own = Object.entries(fields).filter(([name]) => !incidental.test(name))
  return JSON.stringify([keyOf(subject.id), own.sort(([a], [b]) => (a < b ? -1 : 1))])
}

export class Shared<Outcome> {
  readonly #asking = new Map<string, Promise<Outcome>>()

  /** The outcome of the request under way, or of one that `ask` begins (`own`). Without a key the request is not shared. */
  async join(
    key: string | undefined,
    signal: AbortSignal,
    ask: () => Promise<Outcome>,
  ): Promise<{ readonly outcome: Outcome; readonly own: boolean } | undefined> {
    if (key === undefined) return undefined
    const current = this.#asking.get(key)
    if (current) return { outcome: await unlessAborted(current, signal), own: false }
    const asking = ask()
    this.#asking.set(key, asking)
    try {
      return { outcome: await asking, own: true }
    } finally {
      this.#asking.delete(key)
    }
  }
}
