/** What a request is about: which content, from whom, with which right. */

import { createHash, createHmac } from 'node:crypto'
import { KissError } from '../errors.js'
import { isPassable, isSelecting } from '../http/passed-headers.js'
import { mayBeSignInPage } from '../http/sign-in.js'
import type { StoredHeaders } from '../http/stored.js'
import { canonicalUrl, displayUrl } from '../http/urls.js'
import type { Sharing, UpstreamProvider } from '../provider/types.js'
import type { FlightSettings, ListedAccess } from './collaborators.js'
import type { Access, KeyId } from '../store/types.js'

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
  /** Whose credential a request to the origin would use. */
  readonly access: Access
  /** This client may read what the provider's own credential brought, without a question. */
  readonly lent: boolean
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
  return chosen.length === 0 ? key : subordinate(key, JSON.stringify(chosen.sort()))
}

/** An id below that of a key: its own, and a hash of what tells it apart. */
function subordinate(key: KeyId, what: string): KeyId {
  return `${key}-${createHash('sha256').update(what).digest('hex').slice(0, 32)}`
}

/**
 * Identifies the resource behind a final URL: validators mean nothing at another. A hash, because the URL may hold what nobody
 * should read; keyed, so that equal URLs of two caches do not look equal. Signatures, which change with each redirect, are
 * no part of it.
 */
export function resourceOf(finalUrl: URL, key: string): string {
  return createHmac('sha256', key).update(canonicalUrl(finalUrl).href).digest('base64url')
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

/** How a credential is told from another without being kept. */
export interface Fingerprinting {
  readonly credentials: {
    fingerprint(url: URL, headers: Readonly<Record<string, string>>, provider: UpstreamProvider): string | undefined
  }
  readonly settings: { readonly ownUse: boolean }
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
  const share = settings.ownUse ? 'all' : (provider.share ?? 'all')
  const ownRight = credential !== undefined || share === 'probe'
  return {
    id: representationOf(keyIdOf(canonical), passed),
    url,
    shown: displayUrl(canonical),
    provider,
    headers: passed,
    credential,
    share,
    ownRight,
    access: credential !== undefined ? 'client' : !ownRight && mayLend(provider, url) ? 'provider' : 'public',
    lent: isLent(url, provider, settings),
  }
}

/** A provider that does not say is taken to lend when its bytes are noted, and not to lend when they are given away. */
function mayLend(provider: UpstreamProvider, url: URL): boolean {
  return provider.authorise !== undefined && (provider.lends?.(url) ?? true)
}

/** Do today's settings give everybody here what the provider's own credential brings? */
function isLent(url: URL, provider: UpstreamProvider, { ownUse }: Pick<FlightSettings, 'ownUse'>): boolean {
  return ownUse || ((provider.share ?? 'all') === 'all' && provider.lends?.(url) === true)
}

type NotedAccess = Omit<ListedAccess, 'shown'>

/** Older versions noted no access: there the provider's own credential may have brought what is not private. */
export function accessOf({ access, private: isPrivate }: NotedAccess, provider: UpstreamProvider): Access {
  if (access === 'public' || access === 'provider') return access
  if (access !== undefined || isPrivate) return 'client'
  return provider.authorise === undefined ? 'public' : 'provider'
}

/** What of an entry or a transfer says who may read it. */
interface Guarded extends NotedAccess {
  /** Displayable. */
  readonly url: string
  readonly headers: StoredHeaders
}

/** May this client read it without a question to the origin? */
export function isFree(subject: Subject, content: Guarded): boolean {
  const access = accessOf(content, subject.provider)
  // A page may be all that the origin shows to those who bring no credential.
  if (access === 'public') return subject.access === 'public' || !mayBeSignInPage(content)
  return access === 'provider' && subject.lent
}

/** Must no cache between here and the client keep it? */
export function isPrivate(subject: Subject, content: NotedAccess): boolean {
  const access = accessOf(content, subject.provider)
  return access === 'client' || (access === 'provider' && !subject.lent)
}

/** The provider's own credential is for the one request that asked. */
export function isLentOnce({ share, access }: Subject): boolean {
  return share === 'never' && access === 'provider'
}

/** May everybody who uses this cache know of an entry or a transfer? `shown`: its displayable URL. */
export function isListed(
  { shown, ...noted }: ListedAccess,
  providers: readonly UpstreamProvider[],
  settings: Pick<FlightSettings, 'ownUse'>,
): boolean {
  if (noted.private) return false
  if (noted.access === 'public' || settings.ownUse) return true
  const url = URL.canParse(shown) ? new URL(shown) : undefined
  const provider = url && providers.find((candidate) => candidate.matches(url))
  if (!url || !provider) return false
  return accessOf(noted, provider) === 'public' || isLent(url, provider, settings)
}

/** The id of a download for one credential alone; '' stands for none. */
export function aloneIdOf(id: KeyId, credential = ''): KeyId {
  return subordinate(id, credential)
}

/** RFC 9110 §12.5.1: a request without Accept and one that accepts anything are the same request. */
function isPassed([name, value]: [string, string]): boolean {
  return isPassable(name) && !(isSelecting(name) && value.trim().replace(/^\*\/\*$/, '*') === '*')
}
