/** The lists of `--allow-upstream` and `--deny-upstream`: the syntax and the meaning of their lines. Pure. */
import { isIPv6 } from 'node:net'
import { KissError } from '../errors.js'
import { contains, parseCidr, type Address, type Cidr } from '../http/addresses.js'

export type RuleFlag = 'allow-upstream' | 'deny-upstream'

/** One line of a list: a host, all hosts below a name, or a network; at one port or at all. */
export interface Rule {
  /** As it was written. */
  readonly text: string
  readonly host?: string
  /** `*.example.com` is every host below example.com, and not example.com. */
  readonly below?: string
  readonly network?: Cidr
  readonly port?: number
}

/** Reads a list. Throws KissError `usage` at the first line that has none of the forms. */
export function parseRules(lines: readonly string[], flag: RuleFlag): readonly Rule[] {
  return lines.map((line) => {
    const text = line.trim()
    if (text.includes('//')) throw wrong(flag, text, 'give a host, an address or a network, not a URL')
    const { place, port } = splitPort(text, flag)
    return { text, ...parsePlace(place, text, flag), ...(port === undefined ? {} : { port }) }
  })
}

/** Does the rule name this host (as a URL spells it: lower case, punycode)? */
export function namesHost(rule: Rule, host: string, port: number): boolean {
  if (rule.port !== undefined && rule.port !== port) return false
  const name = host.replace(/\.$/, '')
  return rule.host === name || (rule.below !== undefined && name.endsWith(`.${rule.below}`))
}

export function holdsAddress(rule: Rule, address: Address, port: number): boolean {
  if (rule.port !== undefined && rule.port !== port) return false
  return rule.network !== undefined && contains(rule.network, address)
}

/** `host:port`, `10.0.0.0/8:port`, `[fd00::/8]:port`; an IPv6 address without brackets has no port. */
function splitPort(text: string, flag: RuleFlag): { place: string; port?: number } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text)
  const plain = /^([^:[\]]*):([^:]*)$/s.exec(text)
  const [, place = '', digits] = bracketed ?? plain ?? []
  if (bracketed === null && plain === null) return { place: text }
  if (bracketed !== null && !isIPv6(place.replace(/\/.*$/s, '')))
    throw wrong(flag, text, 'only IPv6 addresses are written in brackets')
  if (digits === undefined) return { place }
  const port = Number(digits)
  if (!/^\d+$/.test(digits) || port < 1 || port > 65535) throw wrong(flag, text, 'a port is a number from 1 to 65535')
  return { place, port }
}

function parsePlace(place: string, text: string, flag: RuleFlag): Pick<Rule, 'host' | 'below' | 'network'> {
  const network = parseCidr(place)
  if (network !== undefined) return { network }
  if (place.includes('/')) throw wrong(flag, text, 'a network is written 10.0.0.0/8 or fd00::/8')
  const below = /^\*\.(.+)$/s.exec(place)?.[1]
  const host = hostname(below ?? place)
  // What the URL parser reads as an address (10.1, 0x7f.1) would otherwise be taken for a name that no URL has.
  if (host !== undefined && parseCidr(host) !== undefined) throw wrong(flag, text, `write the address as ${host}`)
  if (host === undefined) throw wrong(flag, text, 'a host is written example.com or *.example.com')
  return below === undefined ? { host } : { below: host }
}

/** The host as a URL spells it; undefined when no URL can hold it. */
function hostname(text: string): string | undefined {
  if (!/^[^\s*/?#@:\\[\]]+$/.test(text)) return undefined
  const url = URL.canParse(`http://${text}/`) ? new URL(`http://${text}/`) : undefined
  return url?.hostname.replace(/\.$/, '')
}

function wrong(flag: RuleFlag, text: string, what: string): KissError {
  return new KissError('usage', `--${flag} ${text}: ${what}`)
}
