/** Addresses and networks, and which of them are no place for a stranger to send kiss to. Pure. */
import { isIPv4, isIPv6 } from 'node:net'

/** An address as a number, so that every spelling of it is equal. */
export interface Address {
  readonly family: 4 | 6
  readonly value: bigint
}

/** A network: an address and the number of its leading bits that count. */
export interface Cidr extends Address {
  readonly bits: number
}

export interface Range {
  /** `a loopback address`, for a message. */
  readonly what: string
  /** As it would be written in a setting. */
  readonly cidr: string
}

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

/**
 * The address and those that it stands for: a v4-mapped, v4-compatible, translated or tunnelled address reaches an IPv4
 * host, so that host is judged too.
 */
export function formsOf(address: Address): readonly Address[] {
  const embedded = EMBEDDING.flatMap(([network, extract]) => (contains(network, address) ? extract(address.value) : []))
  return [address, ...embedded.map((value): Address => ({ family: 4, value }))]
}

/**
 * Why a server must not connect there unless it was told to; undefined for a public address. Judges one form: ask it
 * about each of {@link formsOf}.
 */
export function restriction(address: Address): Range | undefined {
  const found = RESTRICTED.find(({ network }) => contains(network, address))
  if (found !== undefined) return found
  // RFC 4291 §2.4: what is not global unicast is not for servers; but mapped and translated addresses are as good as
  // the IPv4 address in them (RFC 6052 §2.1: networks without IPv4 reach all of IPv4 so).
  if (address.family === 4 || [GLOBAL_UNICAST, MAPPED, NAT64].some((network) => contains(network, address))) {
    return undefined
  }
  return { what: 'a reserved address', cidr: `${showAddress(address)}/128` }
}

const MAPPED = network('::ffff:0:0/96')
const NAT64 = network('64:ff9b::/96')
const GLOBAL_UNICAST = network('2000::/3')

/** Networks whose addresses hold IPv4 addresses, and where in the number. */
const EMBEDDING: readonly (readonly [Cidr, (value: bigint) => bigint[]])[] = [
  [network('::/96'), (value) => (value > 1n ? [low32(value)] : [])], // v4-compatible, RFC 4291 §2.5.5.1
  [MAPPED, (value) => [low32(value)]], // RFC 4291 §2.5.5.2
  [network('::ffff:0:0:0/96'), (value) => [low32(value)]], // translated, RFC 2765 §2.1
  [NAT64, (value) => [low32(value)]], // RFC 6052 §2.1
  [network('2002::/16'), (value) => [low32(value >> 80n)]], // 6to4, RFC 3056 §2
  [network('2001::/32'), (value) => [low32(value >> 64n), low32(~value)]], // Teredo, RFC 4380 §4: server, client
]

/** The special-purpose registries of RFC 6890 and what was added to them since; the narrower network first. */
const RESTRICTED = [
  restricted('an unspecified address', '0.0.0.0/8'), // RFC 1122 §3.2.1.3
  restricted('a private address', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'), // RFC 1918
  restricted('a carrier-grade NAT address', '100.64.0.0/10'), // RFC 6598
  restricted('a loopback address', '127.0.0.0/8', '::1/128'), // RFC 1122, RFC 4291
  restricted('a link-local address', '169.254.0.0/16', 'fe80::/10'), // RFC 3927, RFC 4291
  restricted('a documentation address', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'), // RFC 5737
  restricted('a documentation address', '2001:db8::/32', '3fff::/20'), // RFC 3849, RFC 9637
  restricted('a benchmarking address', '198.18.0.0/15', '2001:2::/48'), // RFC 2544, RFC 5180
  restricted('a multicast address', '224.0.0.0/4', 'ff00::/8'), // RFC 5771, RFC 4291
  restricted('the broadcast address', '255.255.255.255/32'), // RFC 919
  restricted('a reserved address', '192.0.0.0/24', '192.88.99.0/24', '240.0.0.0/4'), // RFC 6890, RFC 7526, RFC 1112
  restricted('the unspecified address', '::/128'), // RFC 4291 §2.5.2
  restricted('a v4-compatible address', '::/96'), // RFC 4291 §2.5.5.1, deprecated
  restricted('a translated address', '::ffff:0:0:0/96', '64:ff9b:1::/48'), // RFC 2765, RFC 8215: local use only
  restricted('a Teredo address', '2001::/32'), // RFC 4380
  restricted('a reserved address', '2001::/23', '5f00::/16', '100::/64'), // RFC 2928, RFC 9602, RFC 6666
  restricted('a 6to4 address', '2002::/16'), // RFC 3056, deprecated by RFC 7526
  restricted('a private address', 'fc00::/7', 'fec0::/10'), // RFC 4193, RFC 3879
].flat()

function restricted(what: string, ...cidrs: string[]): (Range & { network: Cidr })[] {
  return cidrs.map((cidr) => ({ what, cidr, network: network(cidr) }))
}

/** For the tables of this file, whose entries are right. */
function network(text: string): Cidr {
  const [base = '', bits] = text.split('/')
  const address = parseAddress(base)
  if (address === undefined) throw new TypeError(`no network: ${text}`)
  return { ...address, bits: Number(bits) }
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

function low32(value: bigint): bigint {
  return value & 0xffffffffn
}
