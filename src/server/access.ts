/** Access to the server by address, trusted proxy and token. Decides; sends no answer. */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { LruMap } from '../store/lru.js'
import { AddressSet, plainAddress } from '../http/addresses.js'

export interface AccessOptions {
  /** Addresses and CIDRs; none: every client is allowed. */
  readonly allowClients?: readonly string[]
  /** Proxies whose X-Forwarded-For is believed. */
  readonly trustProxies?: readonly string[]
  /** A client needs one of them; without any, no token is needed. */
  readonly clientTokens?: readonly string[]
  /** An admin needs one of them; without any, there are no admin actions. */
  readonly adminTokens?: readonly string[]
}

/** Compares tokens by keyed hash in constant time, which reveals neither the length nor a prefix of the right one. */
export class TokenSet {
  readonly #key = randomBytes(32)
  readonly #digests: readonly Buffer[]

  constructor(tokens: readonly string[]) {
    this.#digests = tokens.filter((token) => token !== '').map((token) => this.#digest(token))
  }

  get size(): number {
    return this.#digests.length
  }

  has(token: string | undefined): boolean {
    if (token === undefined || this.size === 0) return false
    const digest = this.#digest(token)
    return this.#digests.reduce((found, own) => timingSafeEqual(own, digest) || found, false)
  }

  #digest(token: string): Buffer {
    return createHmac('sha256', this.#key).update(token).digest()
  }
}

/** The token of a Bearer, or the password of a Basic credential (RFC 6750, RFC 7617). */
function authorizationToken(header: string | undefined): string | undefined {
  const [, scheme = '', value = ''] = /^(Bearer|Basic) +(\S+) *$/i.exec(header ?? '') ?? []
  if (scheme.toLowerCase() === 'bearer') return value
  if (scheme === '') return undefined
  const pair = Buffer.from(value, 'base64').toString()
  return pair.slice(pair.indexOf(':') + 1)
}

export class Access {
  #clients!: AddressSet
  #proxies!: AddressSet
  #clientTokens!: TokenSet
  #adminTokens!: TokenSet
  /** Peers in their plain form. */
  readonly #peers = new LruMap<string, string>(1_000)

  /** @throws KissError `usage` for an invalid CIDR */
  constructor(options: AccessOptions = {}) {
    this.update(options)
  }

  /** Replaces the rules. @throws KissError `usage` for an invalid CIDR, and changes nothing then */
  update(options: AccessOptions): void {
    const clients = new AddressSet(options.allowClients ?? [], '--allow-client')
    this.#proxies = new AddressSet(options.trustProxies ?? [], '--trust-proxy')
    this.#clients = clients
    this.#clientTokens = new TokenSet(options.clientTokens ?? [])
    this.#adminTokens = new TokenSet(options.adminTokens ?? [])
  }

  /** Without an admin token no client is an admin, and admin actions do not exist. */
  get hasAdmin(): boolean {
    return this.#adminTokens.size > 0
  }

  /**
   * The rightmost address of X-Forwarded-For that is not a trusted proxy, if a trusted proxy sent it; otherwise the peer. The
   * client itself can write the left end of that field. undefined: a trusted proxy sent an invalid address.
   */
  clientOf(peer: string | undefined, headers: IncomingHttpHeaders): string | undefined {
    let client = peer === undefined ? undefined : this.#plain(peer)
    if (!this.hasProxies) return client
    const forwarded = String(headers['x-forwarded-for'] ?? '').split(',')
    while (client !== undefined && this.isProxy(client)) {
      const next = forwarded.pop()?.trim()
      if (next === undefined || next === '') break
      client = plainAddress(next.replace(/^(\d+(?:\.\d+){3}|\[.*\]):\d+$/, '$1'))
    }
    return client
  }

  /** Peers in their plain form. There are few, and each sends many requests. */
  #plain(peer: string): string | undefined {
    const known = this.#peers.get(peer)
    if (known !== undefined) return known
    const plain = plainAddress(peer)
    if (plain !== undefined) this.#peers.set(peer, plain)
    return plain
  }

  get hasProxies(): boolean {
    return this.#proxies.size > 0
  }

  isProxy(address: string | undefined): boolean {
    return address !== undefined && this.#proxies.has(address)
  }

  admitsAddress(client: string | undefined): boolean {
    return this.#clients.size === 0 || (client !== undefined && this.#clients.has(client))
  }

  /**
   * Does the client hold a token, or need none? X-Kiss-Token is accepted everywhere. Pages, which concern no origin, accept
   * Authorization too, so that a browser can ask its user. An admin needs no second token.
   */
  admitsToken(headers: IncomingHttpHeaders, on: 'page' | 'fetch'): boolean {
    if (this.#clientTokens.size === 0) return true
    const shown = [kissToken(headers), on === 'page' ? authorizationToken(headers.authorization) : undefined]
    return this.isAdmin(headers) || shown.some((token) => this.#clientTokens.has(token))
  }

  isAdmin(headers: IncomingHttpHeaders): boolean {
    return this.adminToken(headers) !== undefined
  }

  /** The admin token of the request. */
  adminToken(headers: IncomingHttpHeaders): string | undefined {
    const shown = [authorizationToken(headers.authorization), kissToken(headers)]
    return shown.find((token) => this.#adminTokens.has(token))
  }

  /** Is this Authorization meant for kiss? Then it is not passed to an origin (cache rule 10). */
  isOwn(authorization: string | undefined): boolean {
    const token = authorizationToken(authorization)
    return this.#adminTokens.has(token) || this.#clientTokens.has(token)
  }
}

export function kissToken(headers: IncomingHttpHeaders): string | undefined {
  const value = headers['x-kiss-token']
  return typeof value === 'string' ? value : undefined
}
