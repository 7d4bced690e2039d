/** The names of this server: the Host fields that it answers, and the URLs that would lead back to it. */

import { isIP } from 'node:net'
import { plainAddress } from '../http/addresses.js'

export interface SelfOptions {
  /** The name or address of `--host`. */
  readonly host: string
  /** Where it listens. */
  readonly address: string
  readonly port: number
  readonly serverNames: readonly string[]
  /** Addresses of this machine. */
  readonly addresses: readonly string[]
  /** The name of this server in Via. */
  readonly via: string | undefined
}

export interface Authority {
  /** Lower case; an address in its plain form. */
  readonly host: string
  readonly port: number | undefined
}

/** The parts of a Host field (RFC 9110 §7.2), or of the authority of a URL; undefined where they are not valid. */
export function parseAuthority(text: string): Authority | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(?::(\d{0,5}))?$/i.exec(text)
  const name = match?.[1]
  if (name === undefined) return undefined
  const address = plainAddress(name)
  if (address === undefined && name.startsWith('[')) return undefined
  const port = match?.[2] === undefined || match[2] === '' ? undefined : Number(match[2])
  return { host: address ?? name.toLowerCase().replace(/\.$/, ''), port }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function plainName(text: string): string {
  return plainAddress(text) ?? text.toLowerCase().replace(/\.$/, '')
}

/** Ports that a URL names by its scheme. */
const schemePorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

export class Self {
  readonly #options: SelfOptions
  readonly #names: ReadonlySet<string>
  readonly #host: string
  readonly #listening: string

  constructor(options: SelfOptions) {
    this.#options = options
    this.#names = new Set(options.serverNames.map(plainName))
    this.#host = plainName(options.host)
    this.#listening = plainAddress(options.address) ?? options.address
  }

  get port(): number {
    return this.#options.port
  }

  /**
   * May a request for this host be answered? A foreign page in a browser can let a name of its own resolve to a loopback
   * address (DNS rebinding), but cannot change the Host of the request.
   */
  answersTo(host: string): boolean {
    if (this.#names.size === 0 && !isLoopback(this.#listening)) return true
    return isIP(host) !== 0 || host === 'localhost' || host === this.#host || this.#names.has(host)
  }

  /**
   * Would a request for this URL come back to this server? On its own port every path would. Another port may belong to a proxy
   * that serves other things too, so there only the fetch endpoint counts. `asked` is the Host of the request, if there is one.
   */
  isNamedBy(url: URL, asked?: Authority): boolean {
    const port = url.port === '' ? schemePorts[url.protocol] : Number(url.port)
    const host = parseAuthority(url.hostname)?.host
    if (port === undefined || host === undefined) return false
    const named = this.#names.has(host)
    if (port === this.port) return named || host === asked?.host || host === this.#host || this.#isOwnAddress(host)
    // Another port of the requested host may be another server; the requested host and port are this one.
    const asAsked = host === asked?.host && port === (asked.port ?? schemePorts[url.protocol])
    return (named || asAsked) && url.pathname.startsWith('/api/v1/fetch')
  }

  /** Would a connection to this address reach this server? */
  listensAt(address: string, port: number): boolean {
    const plain = plainAddress(address)
    return port === this.port && plain !== undefined && this.#isOwnAddress(plain)
  }

  #isOwnAddress(host: string): boolean {
    const listening = this.#listening
    if (host === listening) return true
    if (listening === '0.0.0.0' || listening === '::') return isLoopback(host) || this.#options.addresses.includes(host)
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

/** The server for its own engine, which is opened before the server listens; until then no address belongs to it. */
export class FutureSelf {
  #self: Self | undefined

  become(self: Self): void {
    this.#self = self
  }

  isNamedBy(url: URL): boolean {
    return this.#self?.isNamedBy(url) ?? false
  }

  listensAt(address: string, port: number): boolean {
    return this.#self?.listensAt(address, port) ?? false
  }
}
