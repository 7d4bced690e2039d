/** What a request is about: which content, from whom, with which right. */

import { createHash } from 'node:crypto'
import { KissError } from '../errors.js'
import { isPassable } from '../http/passed-headers.js'
import { displayUrl } from '../http/urls.js'
import type { Sharing, UpstreamProvider } from '../provider/types.js'
import type { KeyId } from '../store/types.js'
import type { Services } from './services.js'

export interface Subject {
  readonly id: KeyId
  /** As the client wrote it, credentials included. */
  readonly url: URL
  /** Displayable. */
  readonly shown: string
  readonly provider: UpstreamProvider
  /** What the client passes on to the origin. */
  readonly headers: Readonly<Record<string, string>>
  /** A fingerprint; undefined where the client brought no credential. */
  readonly credential: string | undefined
  /** Who may read what the provider's own credential fetches. */
  readonly share: Sharing
  /** The server must not lend its own credential: only what the client may read by itself is for it. */
  readonly ownRight: boolean
}

export function keyIdOf(canonical: URL): KeyId {
  return createHash('sha256').update(canonical.href).digest('hex')
}

/** Finds the provider; throws `unsupported-scheme` where there is none, or `bad-url` with what one objects. */
export function providerFor(url: URL, providers: readonly UpstreamProvider[]): UpstreamProvider {
  const provider = providers.find((candidate) => candidate.matches(url))
  if (provider) return provider
  for (const candidate of providers) {
    const objection = candidate.objection?.(url)
    if (objection !== undefined) throw new KissError('bad-url', `cannot fetch ${displayUrl(url)}: ${objection}`)
  }
  const scheme = url.protocol.replace(/:$/, '')
  throw new KissError('unsupported-scheme', `cannot fetch ${displayUrl(url)}: no provider serves ${scheme} URLs`)
}

export function subjectOf(
  url: URL,
  headers: Readonly<Record<string, string>> | undefined,
  providers: readonly UpstreamProvider[],
  { credentials, settings }: Pick<Services, 'credentials' | 'settings'>,
): Subject {
  const provider = providerFor(url, providers)
  const canonical = provider.cacheKey(url)
  const passed = Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => isPassable(name)))
  const credential = credentials.fingerprint(url, passed, provider)
  const share = settings.ownUse ? 'all' : (provider.share ?? 'all')
  return {
    id: keyIdOf(canonical),
    url,
    shown: displayUrl(canonical),
    provider,
    headers: passed,
    credential,
    share,
    ownRight: credential !== undefined || share === 'probe',
  }
}

/** The id of a download for one credential alone; '' stands for none. */
export function aloneIdOf(id: KeyId, credential = ''): KeyId {
  return createHash('sha256').update(`${id} ${credential}`).digest('hex')
}
