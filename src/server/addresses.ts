/** Sets of addresses, as flags name them: single ones and CIDRs, IPv4 and IPv6. */

import { KissError } from '../errors.js'
import { type Cidr, contains, parseAddress, parseCidr, showAddress, unmapped } from '../http/addresses.js'

/** An address in its plain form: no brackets, no zone, IPv4 where it is mapped into IPv6; undefined for anything else. */
export function plainAddress(text: string): string | undefined {
  const address = parseAddress(text.replace(/^\[(.*)\]$/, '$1'))
  return address && showAddress(unmapped(address))
}

export class AddressSet {
  readonly #networks: readonly Cidr[]

  /**
   * @param what the flag that the message names
   * @throws KissError `usage`
   */
  constructor(cidrs: readonly string[], what: string) {
    this.#networks = cidrs.map((cidr) => {
      const network = parseCidr(cidr.trim())
      if (network !== undefined) return network
      const shown = JSON.stringify(cidr.trim().slice(0, 60))
      throw new KissError('usage', `${what}: ${shown} is neither an address nor a CIDR`)
    })
  }

  get size(): number {
    return this.#networks.length
  }

  has(text: string): boolean {
    if (this.size === 0) return false
    const address = parseAddress(text.replace(/^\[(.*)\]$/, '$1'))
    return address !== undefined && this.#networks.some((network) => contains(network, unmapped(address)))
  }
}
