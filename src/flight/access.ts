/** Whose credential brought some bytes, and who may therefore have them without a question to the origin. Pure. */

import { mayBeSignInPage } from '../http/sign-in.js'
import type { StoredHeaders } from '../http/stored.js'
import { ownerOf } from '../provider/owner.js'
import type { Sharing, UpstreamProvider } from '../provider/types.js'
import type { Access } from '../store/types.js'

/** What of a client's request decides what it may have without a question. */
export interface Reader {
  readonly provider: UpstreamProvider
  /** Who may read what the provider's own credential brings. */
  readonly share: Sharing
  /** Whose credential a request to the origin would use. */
  readonly access: Access
  /** This client may read what the provider's own credential brought. */
  readonly lent: boolean
}

/** What an entry or the owner of a download notes about the credential that was used. */
export interface NotedAccess {
  /** Absent where an older version wrote it. */
  readonly access?: Access | undefined
  readonly private: boolean
}

/**
 * May the provider add its own credential? A provider that does not say is taken to do so when bytes are noted, and not to
 * do so when they are given away.
 */
export function mayLend(provider: UpstreamProvider, url: URL): boolean {
  return provider.authorise !== undefined && (provider.lends?.(url) ?? true)
}

/** Do the settings of now give every client what the provider's own credential brings? */
export function isLent(url: URL, provider: UpstreamProvider, share: Sharing, { ownUse }: Ownership): boolean {
  return ownUse || (share === 'all' && provider.lends?.(url) === true)
}

interface Ownership {
  /** The user of the engine owns the credentials of the providers too. */
  readonly ownUse: boolean
}

/** Whose use of the providers' credentials the settings allow. */
export interface Lending extends Ownership {
  /** Who may read what the provider's own credential brings for a canonical URL. */
  readonly shareOf: (canonical: URL, provider: UpstreamProvider) => Sharing
}

/** Older versions noted no access: the provider's own credential may have brought what they did not call private. */
export function accessOf({ access, private: isPrivate }: NotedAccess, provider: UpstreamProvider): Access {
  if (access === 'public' || access === 'provider') return access
  if (access !== undefined || isPrivate) return 'client'
  return provider.authorise === undefined ? 'public' : 'provider'
}

/** What of an entry or a download decides who may read it. */
interface Guarded extends NotedAccess {
  /** Displayable. */
  readonly url: string
  readonly headers: StoredHeaders
}

/** May this client read it without a question to the origin? */
export function isFree(reader: Reader, content: Guarded): boolean {
  const access = accessOf(content, reader.provider)
  // A page may be all that the origin shows to a request without a credential.
  if (access === 'public') return reader.access === 'public' || !mayBeSignInPage(content)
  return access === 'provider' && reader.lent
}

/** Must no cache between here and the client keep it? */
export function isPrivate(reader: Reader, content: NotedAccess): boolean {
  const access = accessOf(content, reader.provider)
  return access === 'client' || (access === 'provider' && !reader.lent)
}

/** The provider's own credential is for the one request that asked. */
export function isLentOnce({ share, access }: Reader): boolean {
  return share === 'never' && access === 'provider'
}

/** The displayable URL beside what is noted of its credential. */
export interface ListedAccess extends NotedAccess {
  readonly shown: string
}

/** May every client of this cache know of an entry or a download? */
export function isListed(
  { shown, ...noted }: ListedAccess,
  providers: readonly UpstreamProvider[],
  settings: Lending,
): boolean {
  if (noted.private) return false
  if (noted.access === 'public' || settings.ownUse) return true
  const url = URL.canParse(shown) ? new URL(shown) : undefined
  const provider = url && ownerOf(url, providers)
  if (!url || !provider) return false
  return accessOf(noted, provider) === 'public' || isLent(url, provider, settings.shareOf(url, provider), settings)
}
