/** By which names this server goes: which Host it answers to, and which URLs would lead back to it. */

import { isIP } from 'node:net'
import { plainAddress } from './addresses.js'

export interface SelfOptions {
  /** As given to `listen`. */
  readonly host: string
  readonly port: number
  readonly serverNames: readonly string[]
  /** Addresses of this machine. */
  readonly addresses: readonly string[]
  /** Our name in Via. */
  readonly via: string | undefined
}

export interface Authority {
  /** Lower case; an address in its plain form. */
  readonly host: string
  readonly port: number | undefined
}

/** The parts of a Host field (RFC 9110 §7.2), or of the authority of a URL; undefined for what is not valid. */
export function parseAuthority(text: string): Authority | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(?::(\d{0,5}))?$/i.exec(text)
  const name = match?.[1]
  if (name === undefined) return undefined
  const address = plainAddress(name)
  if (address === undefined && name.startsWith('[')) return undefined
  const port = match?.[2] === undefined || match[2] === '' ? undefined : Number(match[2])
  return { host: address ?? name.toLowerCase().replace(/\.$/, ''), port }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** Ports that a URL names by its scheme. */
const schemePorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

export class Self {
  readonly #options: SelfOptions
  readonly #names: ReadonlySet<string>

  constructor(options: SelfOptions) {
    this.#options = options
    this.#names = new Set(options.serverNames.map((name) => name.toLowerCase().replace(/\.$/, '')))
  }

  get port(): number {
    return this.#options.port
  }

  /**
   * May a request for this host be answered? A page in somebody's browser can make a name of its own point to a loopback
   * address; it cannot change the Host that is sent along.
   */
  answersTo(host: string): boolean {
    if (this.#names.size === 0 && !isLoopback(this.#options.host)) return true
    return isIP(host) !== 0 || host === 'localhost' || this.#names.has(host)
  }

  /**
   * Would fetching this URL ask this very server? On our port any path would; on another, where a proxy may stand before
   * us and serve other things too, only the fetch endpoint's. `asked` is the Host of the request.
   */
  isNamedBy(url: URL, asked: Authority | undefined): boolean {
    const port = url.port === '' ? schemePorts[url.protocol] : Number(url.port)
    const host = parseAuthority(url.hostname)?.host
    if (port === undefined || host === undefined) return false
    const named = this.#names.has(host) || host === asked?.host
    return port === this.port ? named || this.#isOwnAddress(host) : named && url.pathname.startsWith('/api/v1/fetch')
  }

  #isOwnAddress(host: string): boolean {
    const { host: listening, addresses } = this.#options
    if (host === listening) return true
    if (listening === '0.0.0.0' || listening === '::') return isLoopback(host) || addresses.includes(host)
    return isLoopback(listening) && host === 'localhost'
  }

  /** Did the request pass this server before? (Via, RFC 9110 §7.6.3: protocol, name, comment.) */
  hasPassed(via: string | undefined): boolean {
    const own = this.#options.via?.toLowerCase()
    if (own === undefined || via === undefined) return false
    return via.split(',').some(
      (member) =>
        member
          .trim()
          .split(/[\t ]+/)[1]
          ?.toLowerCase() === own,
    )
  }
}
