/** One probe at a time for the same credential and content: a lab's boards share a token, and ask at the same moment. */

import type { KeyId } from '../store/types.js'
import type { Right } from './authorise.js'
import { waitFor } from './waiting.js'

export interface Probed {
  readonly id: KeyId
  /** A fingerprint; undefined where the client brought no credential. */
  readonly credential: string | undefined
}

export class Probes {
  readonly #current = new Map<string, Promise<Right>>()
  readonly #stop = new AbortController()

  /** A client that leaves does not stop the probe: others wait for it, and its answer is remembered. */
  async join(
    { id, credential = '' }: Probed,
    etag: string,
    signal: AbortSignal,
    ask: (signal: AbortSignal) => Promise<Right>,
  ): Promise<Right> {
    const key = `${credential} ${id} ${etag}`
    let probe = this.#current.get(key)
    if (!probe) {
      probe = ask(this.#stop.signal)
      this.#current.set(key, probe)
      const forget = (): unknown => this.#current.delete(key)
      probe.then(forget, forget)
    }
    return waitFor(probe, signal)
  }

  stop(reason: Error): void {
    this.#stop.abort(reason)
  }
}
