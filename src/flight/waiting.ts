/** The reason why a download brings no byte: the downloader or the follower writes it, and readers read it. */

/** The form for other processes and for readers. */
export interface Wait {
  /** Position in the queue of downloads, from 1. */
  readonly place?: number | undefined
  /** The failure of the last attempt. */
  readonly reason?: string | undefined
  /** Attempts so far. */
  readonly attempts: number
  /** The start of the next attempt after a failed one; milliseconds since the epoch. */
  readonly retryAt?: number | undefined
}

export class Waiting {
  /** An attempt had its turn. */
  started = false
  /** Milliseconds of `performance.now()`: the last time when a queued request got its turn. */
  queuedUntil = 0
  #attempts = 0
  #reason: string | undefined
  #retryAt: number | undefined
  #place: (() => number) | undefined
  /** Called after every change; one listener at most. */
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

  /** An attempt failed, and another follows. @param retryAt milliseconds since the epoch */
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

  /** Takes over the state that the downloading process wrote. */
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

/** The reason for the wait, for messages; undefined if there is none. */
export function describeWait({ place, reason, attempts }: Wait): string | undefined {
  if (place !== undefined) return `it is number ${place} in the queue for a download`
  if (reason === undefined || attempts === 0) return reason
  return attempts === 1 ? `1 attempt: ${reason}` : `${attempts} attempts, the last one: ${reason}`
}

/**
 * The reason for a line of progress: `place 3 in the queue of storage.example.com`, or
 * `retry 3 in 4 s: the connection was refused`; undefined if there is none.
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
