/**
 * Mirrors: where a URL may be had before its origin is asked. Pure.
 *
 * A pattern is a URL without query, in which `*` stands for anything up to the next `/`, `**` for anything, and `**` followed by
 * `/` for any folders or none; one that ends in `/` means everything below it. What follows the pattern's last `/` before a star (or its end) is appended to
 * the mirror's prefix: with `https://*.example.org/**` and `http://mirror.lab/all/`, `https://a.example.org/x/y` is
 * looked for at `http://mirror.lab/all/a.example.org/x/y`.
 */
import { KissError } from '../errors.js'
import { type Glob, globPattern } from '../http/glob.js'
import { encodedPattern } from '../http/parse-url.js'
import { decodeLenient } from '../http/urls.js'
import { withoutCredentials } from './headers.js'
import { shown } from './redirects.js'
import type { Mirror, OriginRequest } from './types.js'

export interface MirrorRule {
  readonly pattern: Glob
  /** Length of the part of a matching URL that a prefix replaces. */
  readonly replaced: number
  readonly prefixes: readonly URL[]
}

export interface MirrorTarget {
  readonly url: URL
  /** The mirror's prefix, fit to be shown; identifies the mirror. */
  readonly name: string
}

/** Throws KissError `usage` for an invalid pattern or prefix. */
export function parseMirrors(mirrors: readonly Mirror[]): readonly MirrorRule[] {
  return mirrors.map(({ match, to }) => {
    const pattern = compilePattern(match, 'mirrors')
    const literal = encodedPattern(match).replace(/\*.*$/s, '')
    return { pattern, replaced: literal.lastIndexOf('/') + 1, prefixes: to.map(prefix) }
  })
}

/** @param section of the settings, for the message. @throws KissError `usage` for an invalid pattern */
export function compilePattern(match: string, section: string): Glob {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^?#]+$/.test(match)) {
    throw new KissError('usage', `${section}: ${match}: a pattern is a URL without query, such as https://host/path/**`)
  }
  const pattern = encodedPattern(match)
  return globPattern(pattern.endsWith('/') ? `${pattern}**` : pattern)
}

/** Where to look for a URL before its origin, in order. */
export function targetsOf(rules: readonly MirrorRule[], url: URL): readonly MirrorTarget[] {
  const plain = `${url.protocol}//${url.host}${url.pathname}`
  return rules
    .filter(({ pattern }) => pattern.test(plain))
    .flatMap(({ replaced, prefixes }) =>
      prefixes.map((base) => {
        const target = new URL(base)
        target.pathname += plain.slice(replaced)
        target.search = url.search
        return { url: target, name: shown(base) }
      }),
    )
}

/**
 * The mirrors to ask before the origin. For a request with validators or a range, the mirror that they come from is first: no
 * other source can confirm the held bytes.
 */
export function mirrorsFor(request: OriginRequest, mirrors: readonly MirrorRule[]): readonly MirrorTarget[] {
  if (request.relay !== undefined) return []
  const ofOrigin = request.source === undefined && Object.keys(withoutCredentials(request.headers)).length > 0
  if (ofOrigin || isPrivate(request) || climbs(request.url)) return []
  const targets = targetsOf(mirrors, request.url)
  const first = targets.filter(({ name }) => name === request.source)
  return [...first, ...targets.filter((target) => !first.includes(target))]
}

/** Rounds of percent-decoding that the software in front of a mirror's files may apply. */
const DECODINGS = 3

/** Could the path, once it is decoded, lead out of the mirror's folder? Each server resolves such paths differently. */
function climbs({ pathname }: URL): boolean {
  let path = pathname
  for (let round = 0; round <= DECODINGS; round++) {
    // %C0%AE, %E0%80%AE and %F0%80%80%AE are overlong forms of `.`.
    if (/%2f|%5c|%c[01]%[89ab]|%e0%[89]|%f0%8|\\/i.test(path)) return true
    // Some servers end a segment at `;` (parameters) or at NUL, or strip the blanks around it.
    if (path.split('/').some((segment) => /^\s*\.{1,2}\s*(?:[;\0].*)?$/s.test(segment))) return true
    // Some systems take wide forms of `.`, `/` and `\` for the characters themselves.
    path = decodeLenient(path).normalize('NFKC')
  }
  return false
}

/** Would asking a mirror show it a credential, or give away what needs one? */
function isPrivate({ url, provider, clientCredential }: OriginRequest): boolean {
  return clientCredential || url.username !== '' || url.password !== '' || provider.carriesCredential?.(url) === true
}

function prefix(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new KissError('usage', 'mirrors: a place to try is an http or https URL without query')
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}
