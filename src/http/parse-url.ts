/**
 * Reads URLs so that an origin sees the request target that curl or Python's requests would send for the same text. The
 * URL parser of the platform alone (WHATWG) drops tabs and line ends, reads `\` as `/`, leaves `|` and a stray `%` as they are,
 * and writes `'` as `%27` in a query.
 */

import { KissError } from '../errors.js'
import { displayText, displayUrl } from './urls.js'

/** All that RFC 3986 §3.3 and §3.4 do not allow in a path or a query; `%` is treated apart. */
const notInPath = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]/gu
const notInQuery = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]/gu

/** `.` and `..`, also percent-encoded: the URL parser resolves both. */
const dotSegment = /^(?:\.|%2e){1,2}$/i

/**
 * @param where the text before the URL in the message: a parameter, or file and line
 * @throws KissError `bad-url`
 */
export function parseUrl(text: string, where?: string): URL {
  const problem = problemOf(text)
  const url = problem === undefined ? toUrl(text) : undefined
  if (url !== undefined) return url
  // A parsed URL would differ from the text, so the message shows the text.
  const what = `"${displayText(text)}" ${problem ?? 'is not a URL'}`
  throw new KissError('bad-url', where === undefined ? what : `${where}: ${what}`, {
    ...(problem === undefined && !text.includes('://') ? { hint: hintOf(text) } : {}),
  })
}

/** `host/x` was meant as `https://host/x`, as in a browser. */
function hintOf(text: string): string {
  const isHost = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d+)?\/[^@]*$/i.test(text)
  const meant = isHost ? toUrl(`https://${text}`) : undefined
  return meant === undefined ? 'write it with its scheme: https://host/path' : `did you mean ${displayUrl(meant)}?`
}

/** The URL of a text or, with a base, of a reference such as a Location; undefined for a text that is neither. */
export function toUrl(text: string, base?: URL): URL | undefined {
  if (/[\p{Cc}\p{Cs}]/u.test(text)) return undefined
  const encoded = encodedUrl(text.replace(/^ +/, ''), base !== undefined)
  if (encoded === undefined || !URL.canParse(encoded, base?.href)) return undefined
  const url = new URL(encoded, base)
  const query = /\?[^#]*/.exec(encoded)?.[0] ?? ''
  if (query.includes("'")) quotedQueries.set(url, query)
  return url
}

/** The queries that were written with `'`: a URL cannot hold one there. */
const quotedQueries = new WeakMap<URL, string>()

/** The query of a URL as it was written: `'` and `%27` stay apart, which signatures may cover. */
export function writtenQuery(url: URL): string {
  const query = quotedQueries.get(url)
  return query !== undefined && query.replaceAll("'", '%27') === url.search ? query : url.search
}

/** A copy that remembers how its query was written. */
export function copyOf(url: URL): URL {
  const copy = new URL(url)
  const query = quotedQueries.get(url)
  if (query !== undefined) quotedQueries.set(copy, query)
  return copy
}

/** The reason why the URL parser would change the meaning of the text. */
function problemOf(text: string): string | undefined {
  if (/\p{Cc}/u.test(text)) return 'has a control character'
  if (/[\p{Cs}\ufffd]/u.test(text)) return 'is not UTF-8'
  const [, scheme = '', path = ''] = /^ *([a-z][a-z0-9+.-]*):\/*[^/?#]*([^?#]*)/i.exec(text) ?? []
  const dots = path.split('/').filter((segment) => dotSegment.test(segment))
  if (isHttp(scheme)) {
    // Clients resolve `..` themselves, and they send `%2e%2e` as it is.
    return dots.some((segment) => segment.includes('%')) ? 'has a percent-encoded . or .. segment' : undefined
  }
  if (dots.length > 0) return 'has a . or .. segment, which no URL can hold'
  if (text.includes('#')) return 'has a #; write %23 for one that belongs to the name'
  return text.endsWith('?') ? 'ends with a ?; write %3F for one that belongs to the name' : undefined
}

function isHttp(scheme: string): boolean {
  return /^https?$/i.test(scheme)
}

/** Percent-encodes the characters of path and query that a request target cannot have. */
function encodedUrl(text: string, isReference: boolean): string | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]
  // The parser would strip the blanks at the end; in the name of an object they count.
  if (scheme !== undefined && !isHttp(scheme)) return text.replace(/ +$/, (blanks) => '%20'.repeat(blanks.length))
  if (scheme === undefined && !isReference) return undefined
  const [, origin, path = '', query = ''] = /^((?:https?:\/+|\/\/)[^/?#\\]+)?([^?#]*)(\?[^#]*)?/i.exec(text) ?? []
  if (scheme !== undefined && origin === undefined) return undefined
  const slash = origin !== undefined && path.startsWith('\\') ? '/' : ''
  return `${origin ?? ''}${slash}${encoded(path, notInPath)}${encoded(query, notInQuery)}`
}

const defaultPorts: Readonly<Record<string, string>> = { http: ':80', https: ':443' }

/**
 * The same for a pattern of URLs, whose `?` and `*` are wildcards: its path is encoded, and its host is spelled as in a parsed URL,
 * in lower case, without the default port, and with a path behind it.
 */
export function encodedPattern(pattern: string): string {
  const [, scheme, host, path] = /^([^/:]*):\/\/([^/]*)(\/[^]*)?$/.exec(pattern) ?? []
  if (scheme === undefined || host === undefined) return pattern
  // `**` in place of the host may match the path, too.
  const rest = (path ?? (host.includes('**') ? '' : '/')).replace(notInQuery, percentEncoded)
  if (!isHttp(scheme) && !scheme.includes('*')) return `${scheme}://${host}${rest}`
  const port = defaultPorts[scheme.toLowerCase()]
  const spelled = port !== undefined && host.endsWith(port) ? host.slice(0, -port.length) : host
  return `${scheme}://${spelled}`.toLowerCase() + rest
}

/** A `%` that begins no percent-encoding is a literal one, and so are all others beside it, as for requests. */
function encoded(text: string, outside: RegExp): string {
  const literal = /%(?![0-9a-f]{2})/i.test(text) ? text.replaceAll('%', '%25') : text
  return literal.replace(outside, percentEncoded)
}

/** A surrogate without its other half is no character: it becomes the replacement character, as in every encoder. */
function percentEncoded(character: string): string {
  return encodeURIComponent(/\p{Cs}/u.test(character) ? '\ufffd' : character)
}
