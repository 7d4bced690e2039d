/** Redirects: the next hop of an answer, without the credentials that must not follow. Pure. */
import { KissError } from '../errors.js'
import { copyOf, toUrl } from '../http/parse-url.js'
import { withoutCredentials, type Headers } from './headers.js'

export const MAX_REDIRECTS = 10

/** RFC 9110 §15.4; 300 and 304 are final. */
const REDIRECTS = new Set([301, 302, 303, 307, 308])

export interface Hop {
  readonly url: URL
  /** Lower-case names, before a provider adds its own. */
  readonly headers: Headers
}

/** Is this status with this Location a redirect to follow? */
export function redirects(status: number, location: string | undefined): location is string {
  return REDIRECTS.has(status) && location !== undefined
}

/** Takes the first hop: userinfo becomes a Basic credential, unless the client passed an Authorization of its own. */
export function firstHop(url: URL, headers: Headers): Hop {
  return { url: withoutUserinfo(url), headers: { ...basic(url), ...headers } }
}

/**
 * The hop after one to `sent` with the answer `location`. To another origin (scheme, host or port) no header is sent that could
 * be a credential. Throws KissError `origin-failed` for a redirect that kiss does not follow.
 */
export function nextHop({ url: sent, headers }: Hop, location: string): Hop {
  const target = toUrl(asciiOf(location), sent)
  if (target === undefined) throw notFollowed(sent, 'to something that is no URL')
  if (target.protocol !== 'https:' && target.protocol !== 'http:')
    throw notFollowed(sent, `to a ${target.protocol} URL`)
  if (sent.protocol === 'https:' && target.protocol === 'http:')
    throw notFollowed(sent, `from https to http (${shown(target)})`)
  const carried = target.origin === sent.origin ? headers : withoutCredentials(headers)
  return { url: withoutUserinfo(target), headers: { ...basic(target), ...carried } }
}

/** Many origins write the bytes of a name as they are (Node gives each as one character): each is percent-encoded. */
function asciiOf(location: string): string {
  return location.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Refuses circles and too many redirects; `visited` are the URLs of the hops so far. */
export function checkCircle(visited: readonly string[], next: URL): void {
  if (visited.includes(next.href)) {
    throw new KissError('origin-failed', `${shown(next)} redirects in a circle`, { status: 508 })
  }
  if (visited.length > MAX_REDIRECTS) {
    throw new KissError('origin-failed', `${shown(next)} is the ${MAX_REDIRECTS + 1}th redirect in a row`)
  }
}

/** A URL for messages: without userinfo, query and fragment. */
export function shown(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?…'}`
}

function notFollowed(sent: URL, where: string): KissError {
  return new KissError('origin-failed', `${shown(sent)} redirects ${where}, which kiss does not follow`)
}

/** RFC 7617 §2. Only of URLs that are sent as they are: to other schemes userinfo means what their provider says. */
function basic(url: URL): { authorization?: string } {
  if (!isWeb(url) || (url.username === '' && url.password === '')) return {}
  const pair = `${decoded(url.username)}:${decoded(url.password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

function withoutUserinfo(url: URL): URL {
  const bare = copyOf(url)
  bare.hash = ''
  if (isWeb(url)) [bare.username, bare.password] = ['', '']
  return bare
}

function isWeb(url: URL): boolean {
  return url.protocol === 'http:' || url.protocol === 'https:'
}

/** Percent-decoded where it is well formed; URLs may hold a stray `%`. */
function decoded(text: string): string {
  return text.replace(/(%[0-9a-f]{2})+/gi, (escapes) => Buffer.from(escapes.replaceAll('%', ''), 'hex').toString())
}
