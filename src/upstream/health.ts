/** The health of mirrors and parents: one that refused the connection or timed out is skipped for a while. */
import { systemCode } from '../errors.js'

/** Milliseconds that one is skipped, until one request tries it again. */
const REST = 10_000

/** Errors of a server that is down, as opposed to refusals. */
const DOWN: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
])

/** A mirror or a parent. */
export interface Patient {
  readonly url: URL
  /** Displayable. */
  readonly name: string
}

export interface HealthOptions {
  readonly what: 'mirror' | 'parent'
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly warn: (message: string) => void
}

export class Health {
  readonly #what: string
  readonly #now: () => number
  readonly #warn: (message: string) => void
  /** By origin: at most as many as the settings name. */
  readonly #restUntil = new Map<string, number>()

  constructor({ what, now, warn }: HealthOptions) {
    this.#what = what
    this.#now = now
    this.#warn = warn
  }

  /** May it be asked? After the pause one request may; the others wait for its result. */
  admits({ url }: Patient): boolean {
    const until = this.#restUntil.get(url.origin)
    if (until === undefined) return true
    if (this.#now() < until) return false
    this.#rest(url)
    return true
  }

  answered({ url, name }: Patient): void {
    if (this.#restUntil.delete(url.origin)) this.#warn(`the ${this.#what} ${name} answers again`)
  }

  failed({ url, name }: Patient, error: unknown): void {
    const code = systemCode(error)
    if (code === undefined || !DOWN.has(code)) return
    const known = this.#restUntil.has(url.origin)
    this.#rest(url)
    if (!known) this.#warn(`the ${this.#what} ${name} is down (${code}); asking it again in ${REST / 1000} s`)
  }

  #rest({ origin }: URL): void {
    this.#restUntil.set(origin, this.#now() + REST)
  }
}
