/** Which mirrors are down: those that could not be connected to, or were too slow, are left alone for a while. */
import { systemCode } from '../errors.js'
import type { Place } from './mirrors.js'

/** Milliseconds that a mirror is passed over, until one request tries it again. */
const REST = 10_000

/** What says that a mirror is down, and not merely that it does not have something. */
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

export interface MirrorHealthOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly warn: (message: string) => void
}

export class MirrorHealth {
  readonly #now: () => number
  readonly #warn: (message: string) => void
  /** By origin: at most as many as the settings name. */
  readonly #restUntil = new Map<string, number>()

  constructor({ now, warn }: MirrorHealthOptions) {
    this.#now = now
    this.#warn = warn
  }

  /** May it be asked? When its rest is over one request may, and the others wait for what that one finds. */
  admits({ url }: Place): boolean {
    const until = this.#restUntil.get(url.origin)
    if (until === undefined) return true
    if (this.#now() < until) return false
    this.#rest(url)
    return true
  }

  answered({ url, mirror }: Place): void {
    if (this.#restUntil.delete(url.origin)) this.#warn(`the mirror ${mirror} answers again`)
  }

  failed({ url, mirror }: Place, error: unknown): void {
    const code = systemCode(error)
    if (code === undefined || !DOWN.has(code)) return
    const known = this.#restUntil.has(url.origin)
    this.#rest(url)
    if (!known) this.#warn(`the mirror ${mirror} is down (${code}); asking it again in ${REST / 1000} s`)
  }

  #rest({ origin }: URL): void {
    this.#restUntil.set(origin, this.#now() + REST)
  }
}
