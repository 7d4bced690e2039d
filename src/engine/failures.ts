/** Failures that are remembered, so that many clients do not repeat them. */

import { KissError } from '../errors.js'
import type { KeyId } from '../store/types.js'
import type { Order } from '../flight/subject.js'
import { FAILURE_MEMORY } from '../flight/lease.js'
import { isRemembered } from '../flight/refusals.js'

type FailedOrder = Pick<Order, 'id' | 'credential'>

export class FailureLog {
  readonly #now: () => number
  readonly #recent = new Map<string, { readonly error: KissError; readonly until: number }>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** Failures of requests with a credential are remembered for that credential. */
  note({ id, credential }: FailedOrder, error: KissError): void {
    if (!isRemembered(error)) return
    const at = this.#now()
    // Ordered by end, so that expired failures are found without a scan.
    for (const [key, { until }] of this.#recent) {
      if (until > at) break
      this.#recent.delete(key)
    }
    const key = keyOf(id, credential)
    this.#recent.delete(key)
    this.#recent.set(key, { error, until: at + FAILURE_MEMORY })
  }

  recent(id: KeyId, credential: string | undefined): KissError | undefined {
    const failure = this.#recent.get(keyOf(id, credential))
    return failure && failure.until > this.#now() ? failure.error : undefined
  }

  /** Of every content of this key. */
  forget(key: KeyId): void {
    for (const id of this.#recent.keys()) if (id.startsWith(key)) this.#recent.delete(id)
  }
}

function keyOf(id: KeyId, credential: string | undefined): string {
  return `${id} ${credential ?? ''}`
}
