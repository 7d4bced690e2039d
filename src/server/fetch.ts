/** The fetch endpoint: the artifact behind a URL, in three forms of address; purging one, for admins. */

import type { Artifact, WireRequest } from '../engine/types.js'
import { KissError } from '../errors.js'
import { forwardedFields } from '../http/caching/fields.js'
import type { Fields } from '../http/caching/types.js'
import { passedHeaders } from '../http/passed-headers.js'
import { decodeLenient, displayUrl, fileNameOf } from '../http/urls.js'
import type { Entry } from '../store/types.js'
import { declines, type Acceleration } from './accel.js'
import { parseFetchQuery, type FetchQuery } from './fetch-query.js'
import { fetchReply } from './fetch-reply.js'
import { relayedReply } from './relayed-reply.js'
import { json, type Reply } from './reply.js'
import type { Incoming, Route, Services } from './route.js'
import { parseAuthority } from './self.js'

async function fetchArtifact(request: Incoming, services: Services): Promise<Reply> {
  const query = readOrder(request, services)
  const wire = wireOf(request, services)
  const artifact = await services.engine.fetch({
    url: query.url,
    ...(query.ttl !== undefined && { ttl: query.ttl }),
    ...(query.sha256 !== undefined && { sha256: query.sha256 }),
    headers: clientHeaders(query, request, services),
    offline: directs(request.headers['cache-control'], 'only-if-cached'),
    refresh: directs(request.headers['cache-control'], 'no-cache'),
    wire,
    signal: request.signal,
    client: request.client,
    via: request.headers['via'],
    patience: services.patience,
    queuePatience: Math.min(services.queuePatience, preferredWait(request.headers['prefer'])),
  })
  const [segment = ''] = request.params
  const options = {
    artifact,
    method: request.method,
    headers: request.headers,
    name: segment === '' ? fileNameOf(query.url) : decodeLenient(segment),
    promised: query.sha256 !== undefined,
    now: services.now(),
    pool: services.pool,
    ...accelerationOf(request, services),
  }
  const { answer } = artifact
  const reply = await (answer === undefined
    ? fetchReply(options)
    : relayedReply({ ...options, answer, fields: wire.fields, url: query.url }))
  const status = reply.headers['Cache-Status']
  if (status !== undefined) request.notes.cache = status.replace(/^(?:.*, )?kiss; /s, '')
  request.notes.as = artifact.as
  return services.accelPrefix === undefined && isRepeatable(request, artifact, reply)
    ? { ...reply, repeatable: { entry: artifact.entry, ttl: query.ttl } }
    : reply
}

/** The end-to-end fields of the request, for `freshness: origin`. */
function wireOf({ method, headers, inform }: Incoming, { access }: Services): WireRequest {
  let fields: Fields | undefined
  return {
    method: method === 'HEAD' ? 'HEAD' : 'GET',
    // Read lazily: most requests do not need them.
    get fields() {
      const { authorization, ...others } = headers
      const own = authorization === undefined || access.isOwn(authorization)
      return (fields ??= forwardedFields(own ? others : { ...others, authorization }))
    },
    inform,
  }
}

/** Is the answer the whole of a public body in memory, made without the origin and equal for every client? */
function isRepeatable(
  { method }: Incoming,
  artifact: Artifact,
  { status }: Reply,
): artifact is Artifact & { readonly entry: Entry } {
  const { as, entry, detail, content, answer, named } = artifact
  const open = answer === undefined && entry?.private === false && as === 'hit' && detail === undefined && !named
  return open && method === 'GET' && status === 200 && content.inMemory !== undefined
}

/** @throws KissError for a bad request, which is counted here because the engine does not see it */
function readOrder(request: Incoming, services: Services): FetchQuery {
  try {
    const query = readQuery(request)
    refuseLoop(query.url, request, services)
    return query
  } catch (error) {
    services.engine.figures.count('requests', 1)
    services.engine.figures.count('requests_failed', 1)
    throw error
  }
}

/** Only a proxy understands such an answer: the trusted proxies, or every client if the settings name none. */
function accelerationOf(request: Incoming, services: Services): { acceleration?: Acceleration } {
  const { accelPrefix: prefix, access } = services
  if (prefix === undefined || declines(request.headers) || !(request.proxied || !access.hasProxies)) return {}
  return { acceleration: { prefix, handedOver: (bytes) => (request.notes.handedOver = bytes) } }
}

/**
 * Two directives of RFC 9111 §5.2.1: with `only-if-cached` nothing is downloaded, and a missing entry is 504; with `no-cache`
 * the origin must confirm an entry before it is served.
 */
function directs(cacheControl = '', directive: 'only-if-cached' | 'no-cache'): boolean {
  return cacheControl.split(',').some((given) => given.trim().toLowerCase() === directive)
}

/** RFC 7240 §4.3, in milliseconds: the time after which the client prefers its place in the queue to a longer wait. */
function preferredWait(prefer: string | readonly string[] = ''): number {
  const seconds = /(?:^|[,;])[\t ]*wait[\t ]*=[\t ]*(\d{1,6})/i.exec(String(prefer))?.[1]
  return seconds === undefined ? Infinity : Number(seconds) * 1000
}

function readQuery(request: Incoming): FetchQuery {
  const query = parseFetchQuery(request.query)
  request.notes.target = displayUrl(query.url)
  return query
}

/** Headers that go on to the origin: those that the request names, or the server's own list; never a token of kiss. */
function clientHeaders(query: FetchQuery, { headers }: Incoming, services: Services): Record<string, string> {
  const names = query.passed ?? services.passHeaders
  const own = services.access.isOwn(headers.authorization)
  return passedHeaders(headers, own ? names.filter((name) => name !== 'authorization') : names)
}

/** A URL that names this server would cause a loop. */
function refuseLoop(url: URL, { headers }: Incoming, { self }: Services): void {
  if (self.isNamedBy(url, parseAuthority(headers.host ?? ''))) {
    throw new KissError('loop', `${displayUrl(url)} names this server itself`, {
      hint: 'give the URL of the origin, without the address of the cache before it',
    })
  }
}

async function purgeArtifact(request: Incoming, services: Services): Promise<Reply> {
  const { url } = readQuery(request)
  const { removed, bytes, unreached } = await services.engine.purge({ urls: [url] })
  return json(200, { removed, bytes, ...(unreached && { unreached }) })
}

export const fetchRoute: Route = {
  path: /^\/api\/v1\/fetch(?:\/([^/]*))?$/,
  guard: 'fetch',
  handlers: { GET: fetchArtifact, HEAD: fetchArtifact },
  admin: { DELETE: purgeArtifact },
  refuseWhileDraining: true,
  reader: true,
}
