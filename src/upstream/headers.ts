/** Which headers may go to an origin, and which of them may follow a redirect to another. Pure; names are lower case. */
import { KissError } from '../errors.js'

export type Headers = Readonly<Record<string, string>>

interface Refusal {
  readonly why: string
  readonly names: RegExp
}

/** What no client sends to an origin through kiss, and whose business it is instead. */
const REFUSED: readonly Refusal[] = [
  // RFC 9110 §7.6.1, and what RFC 9113 §8.2.2 and old clients add.
  {
    why: 'belongs to one connection',
    names: /^(connection|keep-alive|te|trailer|transfer-encoding|upgrade|http2-settings|proxy-.*)$/,
  },
  { why: 'follows from the URL', names: /^(:.*|host)$/ }, // RFC 9110 §7.2, RFC 9113 §8.3
  { why: 'is what kiss asks with itself', names: /^(range|if-.*)$/ }, // RFC 9110 §13.1, §14.2
  { why: 'would choose another representation', names: /^(accept|accept-.*|a-im)$/ }, // RFC 9110 §12.5, RFC 3229 §10.5
  { why: 'belongs to a body, and kiss sends none', names: /^(content-.*|expect|digest|repr-digest|want-.*)$/ }, // RFC 9110 §8, §10.1.1
  { why: 'says who forwarded the request', names: /^(via|forwarded|x-forwarded(-.*)?|max-forwards)$/ }, // RFC 9110 §7.6, RFC 7239
  {
    why: 'claims an address for the client',
    names: /^(x-real-ip|x-client-ip|client-ip|true-client-ip|x-cluster-client-ip|cf-connecting-ip|x-originating-ip)$/,
  },
  {
    why: 'overrides method or URL',
    names:
      /^(x-http-method(-override)?|x-method-override|x-original-(method|url|uri|host)|x-rewrite-(url|uri)|x-host)$/,
  },
  { why: 'is for kiss alone', names: /^x-kiss(-.*)?$/ },
]

/** Ours, and harmless to anybody: what a conditional or a range request consists of. */
const OWN = new Set(['range', 'if-range', 'if-none-match', 'if-modified-since'])

/** RFC 9110 §5.6.2 (in lower case) and §5.5. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Why a client's header is not passed on; undefined when it may be. */
export function refusal(name: string): string | undefined {
  return REFUSED.find(({ names }) => names.test(name))?.why
}

/**
 * What of a client's headers may go to the origin that the URL names: all but {@link refusal} and what its own Connection
 * header names. Throws KissError `usage` for what is no header.
 */
export function passable(headers: Headers): Record<string, string> {
  // RFC 9110 §7.6.1
  const hops = new Set((headers['connection'] ?? '').toLowerCase().match(/[^\s,]+/g))
  const kept = Object.entries(headers).filter(([name]) => refusal(name) === undefined && !hops.has(name))
  const passed = Object.fromEntries(kept)
  const why = malformed(passed)
  if (why !== undefined) throw new KissError('usage', why)
  return passed
}

/** What is wrong with the first header that HTTP does not allow, without its value; undefined when all are well. */
export function malformed(headers: Headers): string | undefined {
  for (const [name, value] of Object.entries(headers)) {
    if (!TOKEN.test(name)) return 'there is a header with a name that HTTP does not allow'
    if (!VALUE.test(value)) return `the header ${name} has a value that HTTP does not allow`
  }
  return undefined
}

/** What may be sent, whoever added it: passed headers, a provider's, and kiss's own. */
export function sendable(headers: Headers): Record<string, string> {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  return Object.fromEntries(named.filter(([name]) => OWN.has(name) || refusal(name) === undefined))
}

/** What of them follows to another origin: any passed header may be a token, so only kiss's own. */
export function withoutCredentials(headers: Headers): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => OWN.has(name)))
}

/** Those that belong to one copy of the bytes (validators, range), taken away. */
export function withoutValidators(headers: Headers): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN.has(name)))
}

/** An answer's headers, repeated fields joined (RFC 9110 §5.3). */
export function joined(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const entries = Object.entries(headers).filter(
    (entry): entry is [string, string | string[]] => entry[1] !== undefined,
  )
  return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]))
}
