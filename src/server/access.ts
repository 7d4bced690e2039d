/** Access to the server by address, trusted proxy and token. Decides; sends no answer. */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { LruMap } from '../store/lru.js'
import { AddressSet, plainAddress } from './addresses.js'

export interface AccessOptions {
  /** Addresses and CIDRs; none: everybody. */
  readonly allowClients?: readonly string[]
  /** Proxies whose X-Forwarded-For is believed. */
  readonly trustProxies?: readonly string[]
  /** Any one of them lets a client in; none: no token is needed. */
  readonly clientTokens?: readonly string[]
  /** Any one of them makes an admin; none: there are no admin actions. */
  readonly adminTokens?: readonly string[]
}

/** Tokens compared by keyed hash in constant time: neither length nor prefix of the right one shows. */
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

  /** @throws KissError `usage` for what is no CIDR */
  constructor(options: AccessOptions = {}) {
    this.update(options)
  }

  /** From now on these count. @throws KissError `usage` for what is no CIDR; then nothing has changed */
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
   * The rightmost address of X-Forwarded-For that is not a trusted proxy, if a trusted proxy sent it; else the peer. The
   * left end of that field is what the client itself wrote. undefined: a trusted proxy named something that is no address.
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

  /** Of few peers, each of which asks often. */
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
   * Does the client hold a token, or need none? X-Kiss-Token counts everywhere. On pages, where no origin is concerned,
   * Authorization does too, so that a browser can ask for it. An admin needs no second token.
   */
  admitsToken(headers: IncomingHttpHeaders, on: 'page' | 'fetch'): boolean {
    if (this.#clientTokens.size === 0) return true
    const shown = [kissToken(headers), on === 'page' ? authorizationToken(headers.authorization) : undefined]
    return this.isAdmin(headers) || shown.some((token) => this.#clientTokens.has(token))
  }

  isAdmin(headers: IncomingHttpHeaders): boolean {
    return this.adminToken(headers) !== undefined
  }

  /** The admin token that the request shows. */
  adminToken(headers: IncomingHttpHeaders): string | undefined {
    const shown = [authorizationToken(headers.authorization), kissToken(headers)]
    return shown.find((token) => this.#adminTokens.has(token))
  }

  /** Is this Authorization meant for kiss? Then no origin may see it (cache rule 10). */
  isOwn(authorization: string | undefined): boolean {
    const token = authorizationToken(authorization)
    return this.#adminTokens.has(token) || this.#clientTokens.has(token)
  }
}

export function kissToken(headers: IncomingHttpHeaders): string | undefined {
  const value = headers['x-kiss-token']
  return typeof value === 'string' ? value : undefined
}
