/** The subject of a request: which content, of which provider, with whose credential. */

import { createHash, createHmac } from 'node:crypto'
import { KissError } from '../errors.js'
import { isPassable, isSelecting } from '../http/passed-headers.js'
import { canonicalUrl, displayUrl } from '../http/urls.js'
import { ownerOf } from '../provider/owner.js'
import type { UpstreamProvider } from '../provider/types.js'
import type { KeyId } from '../store/types.js'
import { isLent, mayLend, type Lending, type Reader } from './access.js'

export interface Subject extends Reader {
  readonly id: KeyId
  readonly canonical: URL
  /** As the client wrote it, credentials included. */
  readonly url: URL
  /** Displayable. */
  readonly shown: string
  /** What the client passes on to the origin. */
  readonly headers: Readonly<Record<string, string>>
  /** A fingerprint; undefined where the client brought no credential. */
  readonly credential: string | undefined
  /** The provider must not add its own credential to a request of this client. */
  readonly ownRight: boolean
}

export function keyIdOf(canonical: URL): KeyId {
  return createHash('sha256').update(canonical.href).digest('hex')
}

/**
 * The id of one representation of a key, as the passed `Accept` and its like choose it. It begins with the id of the key, so
 * that a purge of the key finds it.
 */
function representationOf(key: KeyId, headers: Readonly<Record<string, string>>): KeyId {
  const chosen = Object.entries(headers).filter(([name]) => isSelecting(name))
  return chosen.length === 0 ? key : subordinateId(key, JSON.stringify(chosen.sort()))
}

/** An id below that of a key: its own, and a hash of what tells it apart. */
export function subordinateId(key: KeyId, what: string): KeyId {
  return `${key}-${createHash('sha256').update(what).digest('hex').slice(0, 32)}`
}

/**
 * Identifies the resource behind a final URL: validators mean nothing at another. A hash, because the URL may hold what nobody
 * should read; keyed, so that equal URLs of two caches do not look equal. Signatures, which change with each redirect, are
 * no part of it.
 */
export function resourceOf(finalUrl: URL, provider: UpstreamProvider, key: string): string {
  const resource = provider.matches(finalUrl) ? provider.cacheKey(finalUrl) : canonicalUrl(finalUrl)
  return createHmac('sha256', key).update(resource.href).digest('base64url')
}

/** Finds the provider; throws `unsupported-scheme` where there is none, or `bad-url` with what one objects. */
export function providerFor(url: URL, providers: readonly UpstreamProvider[]): UpstreamProvider {
  const provider = ownerOf(url, providers)
  if (provider) return provider
  for (const candidate of providers) {
    const objection = candidate.objection?.(url)
    if (objection !== undefined) throw new KissError('bad-url', `cannot fetch ${displayUrl(url)}: ${objection}`)
  }
  // The parser takes the host of `host:8001/path` for a scheme.
  if (/^[^:/]+:\d{1,5}\/[^@]*$/.test(url.href) && URL.canParse(`https://${url.href}`)) {
    throw new KissError('bad-url', `"${displayUrl(url)}" is not a URL`, {
      hint: `did you mean ${displayUrl(`https://${url.href}`)}?`,
    })
  }
  const scheme = url.protocol.replace(/:$/, '')
  throw new KissError('unsupported-scheme', `cannot fetch ${displayUrl(url)}: no provider serves ${scheme} URLs`)
}

/** How a credential is told from another without being kept. */
export interface Fingerprinting {
  readonly credentials: {
    fingerprint(url: URL, headers: Readonly<Record<string, string>>, provider: UpstreamProvider): string | undefined
  }
  readonly settings: Lending
}

export function subjectOf(
  url: URL,
  headers: Readonly<Record<string, string>> | undefined,
  providers: readonly UpstreamProvider[],
  { credentials, settings }: Fingerprinting,
): Subject {
  const provider = providerFor(url, providers)
  const canonical = provider.cacheKey(url)
  const passed = Object.fromEntries(Object.entries(headers ?? {}).filter(isPassed))
  const credential = credentials.fingerprint(url, passed, provider)
  const share = settings.ownUse ? 'all' : settings.shareOf(canonical, provider)
  const ownRight = credential !== undefined || share === 'probe'
  return {
    id: representationOf(keyIdOf(canonical), passed),
    canonical,
    url,
    shown: displayUrl(canonical),
    provider,
    headers: passed,
    credential,
    share,
    ownRight,
    access: credential !== undefined ? 'client' : !ownRight && mayLend(provider, url) ? 'provider' : 'public',
    lent: isLent(url, provider, share, settings),
  }
}

/** The id of a download for one credential alone; '' stands for none. */
export function aloneIdOf(id: KeyId, credential = ''): KeyId {
  return subordinateId(id, credential)
}

/** A hash of the credential of a request, which other processes can compare; undefined where it has none. */
export function holderOf({ id, credential }: Pick<Subject, 'id' | 'credential'>): string | undefined {
  return credential === undefined ? undefined : aloneIdOf(id, credential)
}

/** RFC 9110 §12.5.1: a request without Accept and one that accepts anything are the same request. */
function isPassed([name, value]: [string, string]): boolean {
  return isPassable(name) && !(isSelecting(name) && value.trim().replace(/^\*\/\*$/, '*') === '*')
}
