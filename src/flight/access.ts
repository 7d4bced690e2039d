/** Access: the credential that brought some bytes, and the clients that may read them without a probe of the origin. Pure. */

import { mayBeSignInPage } from '../http/sign-in.js'
import type { StoredHeaders } from '../http/stored.js'
import { ownerOf } from '../provider/owner.js'
import type { Sharing, UpstreamProvider } from '../provider/types.js'
import type { Access } from '../store/types.js'

/** The part of a request that decides which bytes its client may read without a probe. */
export interface Reader {
  readonly provider: UpstreamProvider
  /** The clients that may read the bytes that the provider's own credential brings. */
  readonly share: Sharing
  /** The owner of the credential that a request to the origin would use. */
  readonly access: Access
  /** This client may read the bytes that the provider's own credential brought. */
  readonly lent: boolean
}

/** The record of the credential that was used, in an entry or in the owner of a download. */
export interface NotedAccess {
  /** Absent where an older version wrote it. */
  readonly access?: Access | undefined
  readonly private: boolean
}

/**
 * May the provider add its own credential? A provider without an answer counts as adding one when bytes are recorded, and as
 * adding none when bytes are given to a client.
 */
export function mayLend(provider: UpstreamProvider, url: URL): boolean {
  return provider.authorise !== undefined && (provider.lends?.(url) ?? true)
}

/** Do the present settings give every client the bytes that the provider's own credential brings? */
export function isLent(url: URL, provider: UpstreamProvider, share: Sharing, { ownUse }: Ownership): boolean {
  return ownUse || (share === 'all' && provider.lends?.(url) === true)
}

interface Ownership {
  /** The user of the engine owns the credentials of the providers too. */
  readonly ownUse: boolean
}

/** The use of the providers' credentials that the settings allow. */
export interface LendingSettings extends Ownership {
  /** The clients that may read the bytes that the provider's own credential brings for a canonical URL. */
  readonly shareOf: (canonical: URL, provider: UpstreamProvider) => Sharing
}

/** Older versions recorded no access: the provider's own credential may have brought an entry that is not marked private. */
export function accessOf({ access, private: isPrivate }: NotedAccess, provider: UpstreamProvider): Access {
  if (access === 'public' || access === 'provider') return access
  if (access !== undefined || isPrivate) return 'client'
  return provider.authorise === undefined ? 'public' : 'provider'
}

/** The part of an entry or a download that decides which clients may read it. */
interface Guarded extends NotedAccess {
  /** Displayable. */
  readonly url: string
  readonly headers: StoredHeaders
}

/** The access of bytes that two credentials brought together. */
export function strictest(a: Access, b: Access): Access {
  return [a, b].includes('client') ? 'client' : [a, b].includes('provider') ? 'provider' : 'public'
}

/** May this client read it without a probe of the origin? */
export function isFree(reader: Reader, content: Guarded): boolean {
  const access = accessOf(content, reader.provider)
  // An origin may answer a request without a credential with a page only.
  if (access === 'public') return reader.access === 'public' || !mayBeSignInPage(content)
  return access === 'provider' && reader.lent
}

/** Must the caches between this server and the client not store it? */
export function isPrivate(reader: Reader, content: NotedAccess): boolean {
  const access = accessOf(content, reader.provider)
  return access === 'client' || (access === 'provider' && !reader.lent)
}

/** The provider's own credential serves one request alone. */
export function isLentOnce({ share, access }: Reader): boolean {
  return share === 'never' && access === 'provider'
}

/** The recorded access with the displayable URL. */
export interface ListedAccess extends NotedAccess {
  readonly shown: string
}

/** May an entry or a download be listed for every client of this cache? */
export function isListed(
  { shown, ...noted }: ListedAccess,
  providers: readonly UpstreamProvider[],
  settings: LendingSettings,
): boolean {
  if (noted.private) return false
  if (noted.access === 'public' || settings.ownUse) return true
  const url = URL.canParse(shown) ? new URL(shown) : undefined
  const provider = url && ownerOf(url, providers)
  if (!url || !provider) return false
  return accessOf(noted, provider) === 'public' || isLent(url, provider, settings.shareOf(url, provider), settings)
}
