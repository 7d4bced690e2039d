/** The address guard: may kiss connect there? Decides for URLs before anything is sent, and for addresses at the socket. */
import { KissError } from '../errors.js'
import { parseAddress, showAddress, type Address } from '../http/addresses.js'
import { formsOf, restriction } from './restrictions.js'
import { holdsAddress, namesHost, parseRules, type Rule } from './rules.js'
import type { OwnServer, UpstreamOptions } from './types.js'

/** The checks of a connector before it connects and before it sends. They throw KissError `upstream-forbidden` or `loop`. */
export interface AddressGuard {
  /** May a socket on behalf of `host` (a URL's hostname) be connected to `address`? */
  checkAddress(address: string, host: string, port: number): void
}

/** Names that are never looked up: RFC 6761 §6.3 makes them loopback, also where a proxy resolves them. */
const LOOPBACK_NAME = /(^|\.)localhost\.?$/

export class Guard implements AddressGuard {
  readonly #restrict: boolean
  #allow: readonly Rule[] = []
  #deny: readonly Rule[] = []
  readonly #self: OwnServer | undefined

  /** Throws KissError `usage` for a list that cannot be read. */
  constructor(options: Pick<UpstreamOptions, 'guard' | 'allow' | 'deny' | 'self'>) {
    this.#restrict = options.guard ?? true
    this.#self = options.self
    this.update(options)
  }

  /** Replaces the lists. Throws KissError `usage` for an invalid one, and changes nothing then. */
  update({ allow = [], deny = [] }: Pick<UpstreamOptions, 'allow' | 'deny'>): void {
    const allowed = parseRules(allow, 'allow-upstream')
    this.#deny = parseRules(deny, 'deny-upstream')
    this.#allow = allowed
  }

  /**
   * Checks a URL without a lookup: literal addresses in full, names by the lists. Behind a proxy there is no other check, because
   * the proxy resolves the name.
   */
  checkUrl(url: URL): void {
    const port = portOf(url)
    const literal = url.hostname.replace(/^\[(.*)\]$/, '$1')
    if (parseAddress(literal) !== undefined) return this.checkAddress(literal, url.hostname, port)
    this.#checkName(url.hostname, port)
    if (!LOOPBACK_NAME.test(url.hostname)) return
    const refusals = ['127.0.0.1', '::1'].map((address) => this.#refusal(address, url.hostname, port))
    if (refusals[0] !== undefined && refusals[1] !== undefined) throw refusals[0]
  }

  checkAddress(address: string, host: string, port: number): void {
    if (this.#self?.listensAt(address, port) === true) {
      throw new KissError('loop', `${host}:${port} is this server itself${host === address ? '' : `, at ${address}`}`)
    }
    this.#checkName(host, port)
    const refusal = this.#refusal(address, host, port)
    if (refusal !== undefined) throw refusal
  }

  #checkName(host: string, port: number): void {
    const denied = this.#deny.find((rule) => namesHost(rule, host, port))
    if (denied !== undefined) throw forbidden(`--deny-upstream ${denied.text} forbids ${host}:${port}`)
  }

  #refusal(text: string, host: string, port: number): KissError | undefined {
    const address = parseAddress(text)
    if (address === undefined) return forbidden(`${host}:${port} has no address that could be checked`)
    const forms = formsOf(address)
    const shown = show(forms, host)
    const denied = this.#deny.find((rule) => forms.some((form) => holdsAddress(rule, form, port)))
    if (denied !== undefined) return forbidden(`--deny-upstream ${denied.text} forbids ${shown}:${port}`)
    if (!this.#restrict || this.#allow.some((rule) => namesHost(rule, host, port))) return undefined
    for (const form of forms) {
      const range = restriction(form)
      if (range === undefined || this.#allow.some((rule) => holdsAddress(rule, form, port))) continue
      return forbidden(`${shown} is ${range.what}; kiss serve --allow-upstream ${range.cidr} would allow it`)
    }
    return undefined
  }
}

/** The port that a URL is connected to. */
function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port)
  return url.protocol === 'https:' ? 443 : 80
}

/** `127.0.0.1`, `64:ff9b::7f00:1 (127.0.0.1)`, `localhost (127.0.0.1)`. */
function show(forms: readonly Address[], host: string): string {
  const names = forms.map(showAddress)
  if (parseAddress(host.replace(/^\[(.*)\]$/, '$1')) === undefined) names.unshift(host)
  const [first = '', ...others] = names
  return others.length === 0 ? first : `${first} (${others.join(', ')})`
}

function forbidden(why: string): KissError {
  return new KissError('upstream-forbidden', `the settings forbid this connection: ${why}`)
}
