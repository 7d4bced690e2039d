/** From a URL to its final answer: for every hop, authorise, send and classify. */
import { Readable } from 'node:stream'
import { KissError } from '../errors.js'
import type { UpstreamFailure, UpstreamProvider, UpstreamRequest } from '../provider/types.js'
import { drain, type Received } from './answer.js'
import { joined, malformed, sendable, type Headers } from './headers.js'
import { fromProvider } from './from-provider.js'
import type { Network } from './network.js'
import { checkCircle, firstHop, nextHop, redirects, shown, type Hop } from './redirects.js'
import type { OwnServer, Relay } from './types.js'

export interface Journey {
  readonly url: URL
  readonly headers: Headers
  readonly method: 'GET' | 'HEAD'
  readonly provider: UpstreamProvider
  readonly clientCredential: boolean
  /** The network for a hop to this URL. */
  readonly network: (url: URL) => Network
  readonly self: OwnServer | undefined
  readonly signal: AbortSignal
  readonly relay?: Relay | undefined
}

/** The result of the hops, from which a source builds its answer. */
export type Hopped = Omit<Received, 'kind' | 'source'>

export async function follow(journey: Journey): Promise<Hopped> {
  let hop = firstHop(journey.url, journey.headers)
  const visited: string[] = []
  let promised: string | undefined
  for (let number = 0; ; number++) {
    const sent = await authorised(journey, hop, number)
    if ('excerpt' in sent) return { ...sent, body: Readable.from([Buffer.from(sent.excerpt)], { objectMode: false }) }
    if (journey.self?.isNamedBy(sent.url) === true) throw ownUrl(journey.url, sent.url, number)
    visited.push(sent.url.href)
    const { method, signal, relay } = journey
    const response = await journey.network(sent.url).send({ ...sent, method, signal, relay })
    const { body, statusCode: status } = response
    const headers = joined(response.headers)
    const location = headers['location']
    if (saysLoop(status, headers)) {
      drain(body)
      throw new KissError('loop', `${shown(journey.url)} leads back to where it was asked for`)
    }
    const onward = relay === undefined && redirects(status, location)
    const refused =
      onward || status === 200 ? journey.provider.refuse?.({ url: sent.url, hop: number, status, headers }) : undefined
    promised = sent.sha256 ?? promised
    if (!onward && refused === undefined) {
      return { url: sent.url, hop: number, status, headers, body, sha256: promised }
    }
    drain(body)
    if (refused !== undefined) throw new KissError('origin-refused', `${shown(journey.url)}: ${refused}`)
    if (onward) {
      const next = nextHop({ url: sent.url, headers: hop.headers }, location)
      const left = Object.keys(hop.headers).filter((name) => !(name in next.headers))
      if (left.length > 0)
        journey.network(next.url).tell(`${shown(next.url)} is another origin, which gets no ${left.join(', ')}`)
      hop = next
    }
    checkCircle(visited, hop.url)
  }
}

function ownUrl(asked: URL, sent: URL, hop: number): KissError {
  const how = hop === 0 ? `${shown(sent)} names` : `${shown(asked)} redirects to ${shown(sent)}, which is`
  return new KissError('loop', `${how} this server itself`)
}

/**
 * A name or a proxy can lead back to a server that does not recognise the name as its own. The server then recognises its Via and
 * answers 508; each cache on the way back passes that on.
 */
function saysLoop(status: number, headers: Headers): boolean {
  return status === 508 && /(^|,) *kiss;[^,]*\bdetail=loop\b/.test(headers['cache-status'] ?? '')
}

/** The hop with the headers of the provider, which apply to this hop alone. */
async function authorised(journey: Journey, hop: Hop, number: number): Promise<AuthorisedHop | UpstreamFailure> {
  const { provider, method, clientCredential, signal, url: asked } = journey
  const request: UpstreamRequest = { method, ...hop }
  const context = { signal, asked, hop: number, clientCredential }
  const told = await fromProvider(provider, signal, () => provider.authorise?.(request, context))
  if (told.failure !== undefined) return told.failure
  if (told.value === undefined) return checked(hop)
  const { url, headers, sha256 } = told.value
  const why = malformed(sendable(headers))
  if (why !== undefined) throw new KissError('credential', `${provider.name}: ${why}`)
  return { ...checked(firstHop(url, headers)), sha256 }
}

interface AuthorisedHop extends Hop {
  readonly sha256?: string | undefined
}

function checked(hop: Hop): Hop {
  if (hop.url.protocol === 'https:' || hop.url.protocol === 'http:') return hop
  throw new KissError('unsupported-scheme', `${shown(hop.url)}: kiss connects to http and https only`)
}
