/** Sets of addresses, as flags name them: single ones and CIDRs, IPv4 and IPv6. */

import { BlockList, isIP } from 'node:net'
import { KissError } from '../errors.js'

/** An address in its plain form: no brackets, no zone, IPv4 where it is mapped into IPv6; undefined for what is none. */
export function plainAddress(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '')
  if (isIP(bare) === 4) return bare
  if (isIP(bare) !== 6) return undefined
  // The URL parser writes IPv6 in one way, without zeros and without dotted parts (RFC 5952 §4).
  const short = new URL(`http://[${bare}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(short)
  if (mapped === null) return short
  const [high, low] = [parseInt(mapped[1] ?? '', 16), parseInt(mapped[2] ?? '', 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

export class AddressSet {
  readonly #list = new BlockList()
  readonly #size: number

  /**
   * @param what the flag that the message names
   * @throws KissError `usage`
   */
  constructor(cidrs: readonly string[], what: string) {
    for (const cidr of cidrs) this.#add(cidr.trim(), what)
    this.#size = cidrs.length
  }

  get size(): number {
    return this.#size
  }

  has(address: string): boolean {
    if (this.#size === 0) return false
    const plain = plainAddress(address)
    return plain !== undefined && this.#list.check(plain, isIP(plain) === 4 ? 'ipv4' : 'ipv6')
  }

  #add(cidr: string, what: string): void {
    const [address = '', bits, ...rest] = cidr.split('/')
    const version = isIP(address)
    const width = version === 4 ? 32 : 128
    const prefix = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : NaN
    if (version === 0 || rest.length > 0 || !(prefix <= width)) {
      throw new KissError('usage', `${what}: ${JSON.stringify(cidr.slice(0, 60))} is neither an address nor a CIDR`)
    }
    this.#list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6')
  }
}
