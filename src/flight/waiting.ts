/** Why a download brings no byte at the moment: one object, which the downloader or the follower writes and readers read. */

/** As it is told to other processes and to readers. */
export interface Wait {
  /** Number in the queue for a place among the downloads, from 1. */
  readonly place?: number | undefined
  /** Why the last attempt failed. */
  readonly reason?: string | undefined
  /** Attempts so far. */
  readonly attempts: number
}

export class Waiting {
  /** An attempt has had its turn. */
  started = false
  /** Milliseconds as `performance.now()` counts them: when a request that had to wait for its turn last had it. */
  queuedUntil = 0
  #attempts = 0
  #reason: string | undefined
  #place: (() => number) | undefined
  /** Told of every change; at most one. */
  onChange: () => void = () => undefined

  get now(): Wait {
    const place = this.#place?.()
    return { place: place === 0 ? undefined : place, reason: this.#reason, attempts: this.#attempts }
  }

  get queued(): boolean {
    return this.#place !== undefined
  }

  /** An attempt waits for its turn. */
  queue(place: () => number): void {
    this.#place = place
    this.onChange()
  }

  /** An attempt has its turn. */
  start(): void {
    const wasQueued = this.queued
    this.#place = undefined
    this.started = true
    this.#attempts++
    if (!wasQueued) return
    this.queuedUntil = performance.now()
    this.onChange()
  }

  /** An attempt failed; there will be another. */
  failed(reason: string): void {
    this.#reason = reason
    this.onChange()
  }

  /** Bytes came. */
  arrived(): void {
    this.#reason = undefined
  }

  /** What the process that downloads has told. */
  follow({ place, reason, attempts }: Wait): void {
    const wasQueued = this.queued
    this.#place = place === undefined ? undefined : () => place
    this.started = place === undefined
    if (this.started && wasQueued) this.queuedUntil = performance.now()
    this.#reason = reason
    this.#attempts = attempts
  }
}

/** In words, for messages; undefined where there is nothing to tell. */
export function describeWait({ place, reason, attempts }: Wait): string | undefined {
  if (place !== undefined) return `it is number ${place} in the queue for a download`
  if (reason === undefined || attempts === 0) return reason
  return attempts === 1 ? `1 attempt: ${reason}` : `${attempts} attempts, the last one: ${reason}`
}
