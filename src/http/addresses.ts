/** Addresses and networks as numbers, their text forms, and the sets of addresses in settings. Pure. */

import { isIPv4, isIPv6 } from 'node:net'
import { KissError } from '../errors.js'

/** An address as a number, so that every spelling of it is equal. */
export interface Address {
  readonly family: 4 | 6
  readonly value: bigint
}

/** A network: an address and the number of its leading bits that count. */
export interface Cidr extends Address {
  readonly bits: number
}

/** `::ffff:0:0/96`: IPv4 addresses as IPv6 ones, RFC 4291 §2.5.5.2. */
export const MAPPED: Cidr = { family: 6, value: 0xffff_0000_0000n, bits: 96 }

/** Reads an IPv4 or IPv6 literal (no brackets; a zone is ignored); undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { family: 4, value: fold(text.split('.').map(Number), 8) }
  const bare = text.replace(/%.*$/s, '')
  if (!isIPv6(bare)) return undefined
  // The URL parser knows every spelling (RFC 4291 §2.2) and gives one.
  const [head = '', tail] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split('::')
  const [left, right] = [groups(head), groups(tail ?? '')]
  const zeros = Array<number>(8 - left.length - right.length).fill(0)
  return { family: 6, value: fold([...left, ...zeros, ...right], 16) }
}

/** Reads `10.0.0.0/8`, `fd00::/8`, or an address, which is a network of one. IPv4 networks written v4-mapped are IPv4. */
export function parseCidr(text: string): Cidr | undefined {
  const [, base = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const address = parseAddress(base)
  if (address === undefined) return undefined
  const width = widthOf(address)
  const bits = length === undefined ? width : Number(length)
  if (bits > width) return undefined
  if (bits >= 96 && contains(MAPPED, address)) return { family: 4, value: low32(address.value), bits: bits - 96 }
  return { ...address, bits }
}

export function contains(network: Cidr, address: Address): boolean {
  if (network.family !== address.family) return false
  const rest = BigInt(widthOf(network) - network.bits)
  return network.value >> rest === address.value >> rest
}

/** Dotted for IPv4, the canonical form of RFC 5952 (but for its dotted tails) for IPv6. */
export function showAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.')
  const hex = value.toString(16).padStart(32, '0')
  return new URL(`http://[${hex.match(/.{4}/g)?.join(':') ?? ''}]`).hostname.slice(1, -1)
}

function widthOf({ family }: Address): number {
  return family === 4 ? 32 : 128
}

function groups(part: string): number[] {
  return part === '' ? [] : part.split(':').map((group) => parseInt(group, 16))
}

function fold(parts: readonly number[], bits: number): bigint {
  return parts.reduce((value, part) => (value << BigInt(bits)) | BigInt(part), 0n)
}

/** The IPv4 address where one is mapped into IPv6. */
function unmapped(address: Address): Address {
  return contains(MAPPED, address) ? { family: 4, value: low32(address.value) } : address
}

/** The IPv4 address in the last bits of an IPv6 one. */
export function low32(value: bigint): bigint {
  return value & 0xffffffffn
}

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
