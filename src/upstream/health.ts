/** The health of mirrors, parents and servers: one that is down, or is another web server, is skipped for a while. */
import { isCertificateError, systemCode } from '../errors.js'

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

/** A mirror, a parent, or a server of `kiss fetch --server`. */
export interface Patient {
  readonly url: URL
  /** Displayable. */
  readonly name: string
}

export interface HealthOptions {
  readonly what: 'mirror' | 'parent' | 'server'
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly warn: (message: string) => void
}

export class Health {
  readonly #what: HealthOptions['what']
  readonly #now: () => number
  readonly #warn: (message: string) => void
  /** By origin for a server that is down, by name for another web server: at most as many as the settings name. */
  readonly #restUntil = new Map<string, number>()

  constructor({ what, now, warn }: HealthOptions) {
    this.#what = what
    this.#now = now
    this.#warn = warn
  }

  /** May it be asked? After the pause one request may; the others wait for its result. */
  admits({ url, name }: Patient): boolean {
    const resting = [url.origin, name].filter((key) => this.#restUntil.has(key))
    if (resting.some((key) => this.#now() < (this.#restUntil.get(key) ?? 0))) return false
    for (const key of resting) this.#rest(key)
    return true
  }

  answered({ url, name }: Patient): void {
    const rested = [url.origin, name].filter((key) => this.#restUntil.delete(key))
    if (rested.length > 0 && !this.#isOfCommand) this.#warn(`the ${this.#what} ${name} answers again`)
  }

  /** Another web server answered in its place. Other places of the same origin may be right. @param reason displayable */
  mistaken({ url, name }: Patient, reason: string): void {
    this.#restUntil.delete(url.origin)
    this.#fail(name, `the ${this.#what} ${name} answers, but not as kiss: ${reason}`)
  }

  failed({ url, name }: Patient, error: unknown): void {
    const code = systemCode(error)
    const isUntrusted = isCertificateError(error)
    if (code === undefined || !(isUntrusted || DOWN.has(code))) return
    const state = isUntrusted ? 'cannot be trusted' : 'is down'
    if (this.#isOfCommand) this.#rest(url.origin)
    else this.#fail(url.origin, `the ${this.#what} ${name} ${state} (${code})`)
  }

  /** `kiss fetch` names its servers that are down only if none can be reached. */
  get #isOfCommand(): boolean {
    return this.#what === 'server'
  }

  /** Warns of the first failure. */
  #fail(key: string, message: string): void {
    const known = this.#restUntil.has(key)
    this.#rest(key)
    if (!known) this.#warn(`${message}; asking it again in ${REST / 1000} s`)
  }

  #rest(key: string): void {
    this.#restUntil.set(key, this.#now() + REST)
  }
}
