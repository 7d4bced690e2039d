/** The headers of a client that may go on to an origin, and their meaning to the cache: cache rule 10. Pure. */

/** Passed on where the request does not name others: what origins of CI artifacts take as a credential. */
export const defaultPassedHeaders: readonly string[] = ['authorization', 'private-token', 'job-token', 'authentication']

/**
 * Headers by which a client chooses among the representations of one URL (RFC 9110 §12.5). A passed one is part of the
 * cache key and no credential. `Accept-Encoding` is not among them: kiss stores what the origin sends as `identity`.
 */
const selectingNames: ReadonlySet<string> = new Set(['accept', 'accept-charset', 'accept-language'])

interface Refusal {
  readonly why: string
  readonly names: RegExp
}

/** Headers that no client sends to an origin through kiss, and the reason for each. */
const refusals: readonly Refusal[] = [
  // RFC 9110 §7.6.1, and what RFC 9113 §8.2.2 and old clients add.
  {
    why: 'belongs to one connection',
    names: /^(connection|keep-alive|te|trailer|transfer-encoding|upgrade|http2-settings|proxy-.*)$/,
  },
  { why: 'follows from the URL', names: /^(:.*|host)$/ }, // RFC 9110 §7.2, RFC 9113 §8.3
  { why: 'is set by kiss', names: /^(range|if-.*|accept-encoding)$/ }, // RFC 9110 §12.5.3, §13.1, §14.2
  { why: 'asks for a form of the content that kiss does not store', names: /^(accept-.*|a-im|want-.*)$/ }, // RFC 3229 §10.5
  { why: 'belongs to a body, and kiss sends none', names: /^(content-.*|expect|digest|repr-digest)$/ }, // RFC 9110 §8, §10.1.1
  { why: 'tells who forwarded the request', names: /^(via|cdn-loop|forwarded|x-forwarded(-.*)?|max-forwards)$/ }, // RFC 9110 §7.6, RFC 7239, RFC 8586
  {
    why: 'claims an address for the client',
    names: /^(x-real-ip|x-client-ip|client-ip|true-client-ip|x-cluster-client-ip|cf-connecting-ip|x-originating-ip)$/,
  },
  {
    why: 'overrides method or URL',
    names:
      /^(x-http-method(-override)?|x-method-override|x-original-(method|url|uri|host)|x-rewrite-(url|uri)|x-host)$/,
  },
  { why: 'belongs to kiss', names: /^x-kiss(-.*)?$/ },
]

/** RFC 9110 §5.1: a field name is a token. */
const token = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/

/** Why a client's header of this name (lower case) is not passed on; undefined where it may be. */
export function refusal(name: string): string | undefined {
  return isSelecting(name) ? undefined : refusals.find(({ names }) => names.test(name))?.why
}

/** May a client's header of this name (lower case) go to an origin? */
export function isPassable(name: string): boolean {
  return token.test(name) && refusal(name) === undefined
}

/** Does a header of this name (lower case) choose a representation, as `Accept` does? */
export function isSelecting(name: string): boolean {
  return selectingNames.has(name)
}

/** The names of a `passheaders=A,B` parameter, lower case, as far as they may be passed on. */
export function parsePassedNames(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter(isPassable)
}

/**
 * The headers of a client that go on: those named, without those that its Connection field claims for this hop.
 * @param headers lower-case names
 */
export function passedHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  names: readonly string[],
): Record<string, string> {
  const hop = new Set(
    String(headers['connection'] ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase()),
  )
  const passed: Record<string, string> = {}
  for (const name of names) {
    const value = headers[name]
    if (value === undefined || !isPassable(name) || hop.has(name)) continue
    passed[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return passed
}

/** RFC 9110 §5.5: visible characters, blanks, tabs and obs-text. */
export function isFieldValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text)
}
