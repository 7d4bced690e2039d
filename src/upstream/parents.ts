/** Parents: kiss servers that are asked before mirrors and origin, and the headers of a request to one. Pure. */
import { KissError } from '../errors.js'
import { endpoint, isConfidential } from '../http/endpoint.js'
import { writtenQuery } from '../http/parse-url.js'
import { fileNameOf } from '../http/urls.js'
import { withoutCredentials, withoutValidators, type Headers } from './headers.js'
import { compilePattern } from './mirrors.js'
import { shown } from './redirects.js'
import type { OriginRequest, Parent } from './types.js'

/**
 * All parents are one source of validators: each passes on those of the origin, or identifies the bytes by their sum. One parent
 * can continue a body of another.
 */
export const PARENT = 'parent'

export interface ParentRule {
  /** @param url without query */
  readonly holdsFor: (url: string) => boolean
  readonly places: readonly ParentPlace[]
}

export interface ParentPlace {
  readonly url: URL
  /** Displayable. */
  readonly name: string
}

/** Throws KissError `usage` for an invalid pattern or server address. */
export function parseParents(parents: readonly Parent[]): readonly ParentRule[] {
  return parents.map(({ match, holdsFor = matching(match), to }) => ({ holdsFor, places: to.map(place) }))
}

function matching(match: string | undefined): (url: string) => boolean {
  if (match === undefined) return () => true
  const pattern = compilePattern(match, 'parents')
  return (url) => pattern.test(url)
}

/** The parents of a URL, in order. */
export function parentsOf(rules: readonly ParentRule[], url: URL): readonly ParentPlace[] {
  const plain = `${url.protocol}//${url.host}${url.pathname}`
  return rules.filter(({ holdsFor }) => holdsFor(plain)).flatMap(({ places }) => places)
}

/** Does the request bring a credential: any passed header, userinfo, a signed or tokened query? */
export function bringsCredential({ url, provider, headers, clientCredential }: OriginRequest): boolean {
  return (
    clientCredential ||
    Object.keys(withoutCredentials(headers)).length < Object.keys(headers).length ||
    url.username !== '' ||
    url.password !== '' ||
    provider.carriesCredential?.(url) === true
  )
}

/** Would kiss add a credential of its own, if it asked the origin? */
export function wouldLend(request: OriginRequest): boolean {
  const { provider, url } = request
  return !bringsCredential(request) && provider.authorise !== undefined && (provider.lends?.(url) ?? true)
}

export interface ParentCall {
  readonly url: URL
  /** The headers that the request passes on. */
  readonly headers: Headers
  /** The headers that kiss itself adds for the parent. */
  readonly own: Headers
}

export interface CallOptions {
  /** Of the parent's `--client-token-file`. */
  readonly token: string | undefined
  /** Seconds that the parent may keep the request in its queue before it tells the place there (RFC 7240 §4.3). */
  readonly queueWait: number
}

export function callOf(
  request: OriginRequest,
  { url: server }: ParentPlace,
  { token, queueWait }: CallOptions,
): ParentCall {
  const { url, ttl, refresh, source, via } = request
  const headers = source === PARENT ? request.headers : withoutValidators(request.headers)
  const names = Object.keys(withoutValidators(headers))
  // Without a list, the parent would pass its own login on to the origin, as it passes the Authorization of its clients.
  const passes = names.length > 0 || server.username !== '' || server.password !== ''
  const target = endpoint(server, `fetch/${encodeURIComponent(fileNameOf(url))}`, {
    url: written(url),
    ttl: ttl === undefined ? undefined : `${ttl}ms`,
    passheaders: passes ? names.join(',') : undefined,
  })
  const { username, password } = target
  target.username = ''
  target.password = ''
  const isOpen = username === '' && password === ''
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  return {
    url: target,
    headers:
      isOpen || headers['authorization'] !== undefined ? headers : { ...headers, authorization: `Basic ${login}` },
    own: {
      prefer: `wait=${queueWait}`,
      ...(via !== undefined && { via }),
      ...(token !== undefined && { 'x-kiss-token': token }),
      // RFC 9111 §5.2.1.4: the parent asks its own source whether the content has changed.
      ...(refresh === true && { 'cache-control': 'no-cache' }),
    },
  }
}

/** A URL as it was asked for: a URL object writes some characters of a query in another way. */
function written(url: URL): string {
  return url.search === '' ? url.href : url.href.replace(url.search, () => writtenQuery(url))
}

/** Identifies the content of a URL at parents, because the final URL of a parent is not known here. */
export function resourceAtParents({ url, provider }: OriginRequest): URL {
  return new URL(`http://parent.invalid/${encodeURIComponent(provider.cacheKey(url).href)}`)
}

/** Throws KissError `configuration` if a token would be sent unencrypted over the network. */
export function refuseOpenTokens(rules: readonly ParentRule[], token: string | undefined): void {
  for (const { places } of rules) {
    for (const { url, name } of places) {
      const secret = token !== undefined || url.username !== '' || url.password !== ''
      if (!secret || isConfidential(url)) continue
      throw new KissError('configuration', `the token of the parent ${name} would go there unencrypted`, {
        hint: 'use an https address of the parent',
      })
    }
  }
}

function place(text: string): ParentPlace {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new KissError('usage', 'parents: a parent is the http or https address of a kiss server, without query')
  }
  return { url, name: shown(url) }
}
