/** The subject of a request (the content, its provider and the credential), and the order of a download for it. */

import { createHash, createHmac } from 'node:crypto'
import { KissError } from '../errors.js'
import { isPassable, isSelecting } from '../http/passed-headers.js'
import { canonicalUrl, displayUrl } from '../http/urls.js'
import { isStrong } from '../http/validation.js'
import { ownerOf } from '../provider/owner.js'
import type { UpstreamProvider } from '../provider/types.js'
import type { Access, Entry, KeyId, Sha256 } from '../store/types.js'
import type { Lane, OriginAnswer, Relay } from '../upstream/types.js'
import { isLent, mayLend, type LendingSettings, type Reader } from './access.js'
import type { Head } from './directory.js'

export interface Subject extends Reader {
  readonly id: KeyId
  readonly canonical: URL
  /** As the client wrote it, credentials included. */
  readonly url: URL
  /** Displayable. */
  readonly shown: string
  /** The headers that the client passes on to the origin. */
  readonly headers: Readonly<Record<string, string>>
  /** A fingerprint of the client's credential; undefined without one. */
  readonly credential: string | undefined
  /** The provider must not add its own credential to a request of this client. */
  readonly ownRight: boolean
}

export function keyIdOf(canonical: URL): KeyId {
  return createHash('sha256').update(canonical.href).digest('hex')
}

/**
 * The id of one representation of a key, which `Accept` and the other selecting headers choose. It begins with the id of the
 * key, so that a purge of the key finds it.
 */
function representationOf(key: KeyId, headers: Readonly<Record<string, string>>): KeyId {
  const chosen = Object.entries(headers).filter(([name]) => isSelecting(name))
  return chosen.length === 0 ? key : subordinateId(key, JSON.stringify(chosen.sort()))
}

/** An id below that of a key: the id of the key and a hash of the distinguishing text. */
export function subordinateId(key: KeyId, what: string): KeyId {
  return `${key}-${createHash('sha256').update(what).digest('hex').slice(0, 32)}`
}

/**
 * Identifies the resource behind a final URL, to which validators belong. It is a hash, because the URL may contain a secret,
 * and keyed, so that equal URLs of two caches have different hashes. Signatures are left out, because they change with each
 * redirect.
 */
export function resourceOf(finalUrl: URL, provider: UpstreamProvider, key: string): string {
  const resource = provider.matches(finalUrl) ? provider.cacheKey(finalUrl) : canonicalUrl(finalUrl)
  return createHmac('sha256', key).update(resource.href).digest('base64url')
}

/** Finds the provider. Throws `unsupported-scheme` if there is none, or `bad-url` with the objection of a provider. */
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

/** Compares credentials without storing them. */
export interface Fingerprinting {
  readonly credentials: {
    fingerprint(url: URL, headers: Readonly<Record<string, string>>, provider: UpstreamProvider): string | undefined
  }
  readonly settings: LendingSettings
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

/** The id of a download for one credential alone; '' for a request without one. */
export function aloneIdOf(id: KeyId, credential = ''): KeyId {
  return subordinateId(id, credential)
}

/** A hash of the credential of a request that other processes can compare; undefined without a credential. */
export function holderOf({ id, credential }: Pick<Subject, 'id' | 'credential'>): string | undefined {
  return credential === undefined ? undefined : aloneIdOf(id, credential)
}

/** RFC 9110 §12.5.1: a request without Accept is equal to one that accepts anything. */
function isPassed([name, value]: [string, string]): boolean {
  return isPassable(name) && !(isSelecting(name) && value.trim().replace(/^\*\/\*$/, '*') === '*')
}

/** One key to be downloaded, with the parameters of the request that starts the download. */
export interface Order extends Subject {
  /** Milliseconds. */
  readonly lifetime: number
  /** Milliseconds: the lifetime of a confirmed entry by a rule; default: the entry's own. */
  readonly renewal?: number | undefined
  /** Milliseconds: the maximum age that the request accepts. It is sent to parents. */
  readonly ttl?: number | undefined
  /** The entry to validate. */
  readonly stale: Entry | undefined
  /** An entry whose content the origin does not give to this client: it is replaced without a validation. */
  readonly replaces?: Entry | undefined
  /** Is a stored entry of another node young enough for the request? */
  readonly accepts?: ((entry: Entry) => boolean) | undefined
  /** Ask the origin despite a remembered failure. */
  readonly insists?: boolean | undefined
  /** The sum that the request names: it can prove that a body without a length is whole. */
  readonly promised: Sha256 | undefined
  /** Canonical URLs that led to this one. */
  readonly through?: readonly string[] | undefined
  /** Via of the request that starts it. */
  readonly via?: string | undefined
  /** Address of the client of the first request. */
  readonly client?: string | undefined
  /** The id belongs to one client's credential: other clients neither join the download nor read its body. */
  readonly alone: boolean
  /** False: the body is for this request alone. */
  readonly keep: boolean
  /** Bytes: a larger body is not stored. */
  readonly maxSize?: number | undefined
  readonly lane?: Lane | undefined
  /** The answer is passed on as the origin gives it. */
  readonly relay?: Relay | undefined
  /** A copy for another node: the bytes come from other nodes, and no origin is asked. */
  readonly follows?: boolean | undefined
  /** No second attempt: `always` none at all, `first` none before the head of the body is known. Default: by the retry rules. */
  readonly once?: 'always' | 'first' | undefined
  /** Completes the entry of the body; undefined: the body is not stored. Default: the entry stays as it is. */
  readonly finish?: (entry: Entry) => Entry | undefined
}

/** As a client without a credential asks: with the provider's own credential for bytes that it brought, and with none for public ones. */
export function withoutCredential(order: Order, access: Access): Order {
  const headers = Object.fromEntries(Object.entries(order.headers).filter(([name]) => isSelecting(name)))
  return { ...order, url: order.canonical, headers, credential: undefined, ownRight: access === 'public', access }
}

type Stored = Pick<Order, 'id' | 'alone' | 'keep' | 'access' | 'credential' | 'maxSize'>

/**
 * The id under which the body is stored; undefined if it is not stored. A private body without a strong validator is stored
 * for its own credential alone: no other client can prove a right to it.
 */
export function storageId(order: Stored, head: Head): KeyId | undefined {
  const { id, alone, keep, access, credential, maxSize = Infinity } = order
  if (!keep || head.varies || head.signIn === true || (head.length ?? 0) > maxSize) return undefined
  if (alone || access !== 'client' || isStrong(head.headers.etag)) return id
  return credential === undefined ? undefined : aloneIdOf(id, credential)
}

/** An answer with which a download begins: the one that showed that the content had changed. */
export interface Seed {
  readonly answer: OriginAnswer
  readonly head: Head
}
