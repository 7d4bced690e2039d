/** Addresses that a client must not make kiss connect to. Pure. */
import { contains, low32, MAPPED, parseAddress, showAddress, type Address, type Cidr } from '../http/addresses.js'

export interface Range {
  /** `a loopback address`, for a message. */
  readonly what: string
  /** As it would be written in a setting. */
  readonly cidr: string
}

/**
 * The address and the addresses embedded in it: a v4-mapped, v4-compatible, translated or tunnelled address reaches an IPv4
 * host, so that host is checked too.
 */
export function formsOf(address: Address): readonly Address[] {
  const embedded = EMBEDDING.flatMap(([network, extract]) => (contains(network, address) ? extract(address.value) : []))
  return [address, ...embedded.map((value): Address => ({ family: 4, value }))]
}

/**
 * The reason why a server must not connect there unless it is allowed; undefined for a public address. It checks one form: call
 * it for each of {@link formsOf}.
 */
export function restriction(address: Address): Range | undefined {
  const found = RESTRICTED.find(({ network }) => contains(network, address))
  if (found !== undefined) return found
  // RFC 4291 §2.4: addresses that are not global unicast are not for servers; but mapped and translated addresses count as
  // the IPv4 address in them (RFC 6052 §2.1: networks without IPv4 reach all of IPv4 so).
  if (address.family === 4 || [GLOBAL_UNICAST, MAPPED, NAT64].some((network) => contains(network, address))) {
    return undefined
  }
  return { what: 'a reserved address', cidr: `${showAddress(address)}/128` }
}

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

/** The special-purpose registries of RFC 6890 with later additions; the narrower network first. */
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
