/** Why a download brings no byte at the moment: one object, which the downloader or the follower writes and readers read. */

/** As it is told to other processes and to readers. */
export interface Wait {
  /** Number in the queue for a place among the downloads, from 1. */
  readonly place?: number | undefined
  /** Why the last attempt failed. */
  readonly reason?: string | undefined
  /** Attempts so far. */
  readonly attempts: number
  /** When the next attempt begins, after a failed one; milliseconds since the epoch. */
  readonly retryAt?: number | undefined
}

export class Waiting {
  /** An attempt has had its turn. */
  started = false
  /** Milliseconds as `performance.now()` counts them: when a request that had to wait for its turn last had it. */
  queuedUntil = 0
  #attempts = 0
  #reason: string | undefined
  #retryAt: number | undefined
  #place: (() => number) | undefined
  /** Told of every change; at most one. */
  onChange: () => void = () => undefined

  get now(): Wait {
    const place = this.#place?.()
    return {
      place: place === 0 ? undefined : place,
      reason: this.#reason,
      attempts: this.#attempts,
      retryAt: this.#retryAt,
    }
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

  /** An attempt failed; there will be another. @param retryAt milliseconds since the epoch */
  failed(reason: string, retryAt: number): void {
    this.#reason = reason
    this.#retryAt = retryAt
    this.onChange()
  }

  /** Bytes came. */
  arrived(): void {
    this.#reason = undefined
    this.#retryAt = undefined
  }

  /** What the process that downloads has told. */
  follow({ place, reason, attempts, retryAt }: Wait): void {
    const wasQueued = this.queued
    this.#place = place === undefined ? undefined : () => place
    this.started = place === undefined
    if (this.started && wasQueued) this.queuedUntil = performance.now()
    this.#reason = reason
    this.#attempts = attempts
    this.#retryAt = retryAt
  }
}

/** What the time went by on, for messages; undefined where there is nothing to tell. */
export function describeWait({ place, reason, attempts }: Wait): string | undefined {
  if (place !== undefined) return `it is number ${place} in the queue for a download`
  if (reason === undefined || attempts === 0) return reason
  return attempts === 1 ? `1 attempt: ${reason}` : `${attempts} attempts, the last one: ${reason}`
}

/**
 * What it waits for, for a line of progress: `place 3 in the queue of storage.example.com`, or
 * `retry 3 in 4 s: the connection was refused`; undefined where there is nothing to tell.
 * @param now milliseconds since the epoch
 */
export function describeNext(
  { place, reason, attempts, retryAt }: Wait,
  host: string,
  now: number,
): string | undefined {
  if (place !== undefined) return `place ${place} in the queue of ${host}`
  if (reason === undefined || attempts === 0) return reason
  const seconds = Math.ceil(((retryAt ?? now) - now) / 1000)
  return `retry ${attempts}${seconds > 0 ? ` in ${seconds} s` : ''}: ${reason}`
}
