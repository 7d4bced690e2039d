/** URLs as LAVA reads them (Python's urlparse) and as kiss serves them, both ways. Pure. */

import { isIPv6 } from 'node:net'
import { carriesCredential, displayUrl } from 'kiss-cache/plugin'

export interface ParsedUrl {
  /** Lower case; empty where there is none. */
  readonly scheme: string
  readonly netloc: string
  /** Of the last segment without its `;parameters`. */
  readonly path: string
}

const schemesWithParams = new Set(
  ',ftp,hdl,prospero,http,imap,https,shttp,rtsp,rtsps,rtspu,sip,sips,mms,sftp,tel'.split(','),
)

/** Python's `urlparse(url)`, as far as LAVA uses it; undefined where Python raises ValueError. */
export function urlparse(url: string): ParsedUrl | undefined {
  let rest = withoutLeadingControls(url).replace(/[\t\r\n]/g, '')
  let scheme = ''
  let netloc = ''
  const prefix = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(rest)
  if (prefix?.[1] !== undefined) {
    scheme = prefix[1].toLowerCase()
    rest = rest.slice(prefix[0].length)
  }
  if (rest.startsWith('//')) {
    const end = rest.slice(2).search(/[/?#]/)
    netloc = end < 0 ? rest.slice(2) : rest.slice(2, end + 2)
    rest = end < 0 ? '' : rest.slice(end + 2)
    if (!isNetloc(netloc)) return undefined
  }
  const path = rest.replace(/#.*$/s, '').replace(/\?.*$/s, '')
  return { scheme, netloc, path: schemesWithParams.has(scheme) ? withoutParams(path) : path }
}

/** C0 controls and the space. */
function withoutLeadingControls(text: string): string {
  let start = 0
  while (start < text.length && text.charCodeAt(start) <= 0x20) start++
  return text.slice(start)
}

function withoutParams(path: string): string {
  const semicolon = path.indexOf(';', Math.max(path.lastIndexOf('/'), 0))
  return semicolon < 0 ? path : path.slice(0, semicolon)
}

/** Python refuses brackets without an IPv6 address, and characters that Unicode would turn into ones that separate. */
function isNetloc(netloc: string): boolean {
  if (netloc.includes('[') !== netloc.includes(']')) return false
  const literal = /\[([^\]]*)/.exec(netloc)?.[1]
  if (literal !== undefined && !isIPv6(literal) && !/^v[a-fA-F0-9]+\../.test(literal)) return false
  const plain = netloc.replace(/[@:#?]/g, '')
  const normal = plain.normalize('NFKC')
  return normal === plain || !/[/?#@:]/.test(normal)
}

/** The name under which LAVA saves a URL: the last segment of the path, neither encoded nor decoded. */
export function fileName(url: string): string | undefined {
  const parsed = urlparse(url)
  return parsed?.path.slice(parsed.path.lastIndexOf('/') + 1)
}

export function hostOf(parsed: ParsedUrl): string {
  return parsed.netloc.slice(parsed.netloc.lastIndexOf('@') + 1).replace(/:\d*$/, '')
}

/** Any http or https URL as a server's base, without a slash at the end; undefined where it cannot be one. */
export function serverBase(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined
  return url.href.replace(/\/+$/, '')
}

/** Is this URL below the server's base, whatever its spelling? */
export function isBelow(server: string, url: string): boolean {
  if (!URL.canParse(url)) return false
  const [base, other] = [new URL(server), new URL(url)]
  return base.origin === other.origin && `${other.pathname}/`.startsWith(`${base.pathname.replace(/\/+$/, '')}/`)
}

export interface Wrapped {
  readonly url: string
  readonly ttl?: string
  /** Written with `%3a` in place of `%3A`: see {@link ./scalars.ts}. The server reads both alike. */
  readonly marked?: boolean
}

const endpoint = '/api/v1/fetch/'

/** `SERVER/api/v1/fetch/<file name>?url=…[&ttl=…]`; undefined where the URL cannot be encoded or has no path in Python. */
export function wrap(server: string, { url, ttl, marked }: Wrapped): string | undefined {
  const name = fileName(url)
  if (name === undefined || /\p{Cs}/u.test(url)) return undefined
  // RFC 3986 unreserved characters stay, everything else is encoded, the blank too: `+` is a blank to some and not to others.
  const all = encodeURIComponent(url).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  const encoded = marked === true ? all.replace('%3A', '%3a') : all
  return `${server}${endpoint}${name}?url=${encoded}${ttl === undefined ? '' : `&ttl=${ttl}`}`
}

/** Takes {@link wrap} back; undefined for anything that `wrap` would not have written, to the letter. */
export function unwrap(server: string, text: string): Wrapped | undefined {
  const query = /\?url=([A-Za-z0-9%_.~-]+)(?:&ttl=([^&?]+))?$/.exec(text)
  if (query?.[1] === undefined || !text.startsWith(`${server}${endpoint}`)) return undefined
  const url = decoded(query[1])
  if (url === undefined) return undefined
  const marked = /%3a/i.exec(query[1])?.[0] === '%3a'
  const wrapped: Wrapped = { url, marked, ...(query[2] === undefined ? {} : { ttl: query[2] }) }
  return wrap(server, wrapped) === text ? wrapped : undefined
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined // not UTF-8: nothing that wrap wrote
  }
}

export function hasCredential(url: string): boolean {
  return URL.canParse(url) && carriesCredential(new URL(url))
}

/** Fit to be shown: without a fragment, and in its displayable form where it carries a credential. */
export function shown(url: string): string {
  if (!URL.canParse(url) || hasCredential(url)) return displayUrl(url)
  return url.trim().replace(/#.*$/s, '')
}
