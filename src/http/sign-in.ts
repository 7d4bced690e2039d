/** Sign-in pages that come with status 200 where an artifact was asked for. Pure. */

import type { StoredHeaders } from './stored.js'

/** Media types of HTML pages. */
const html = /^\s*(text\/html|application\/xhtml\+xml)\s*(;|$)/i

/** Paths that may well lead to HTML: of a folder, and with the extension of a page. */
const pagePath = /(^|\/)$|\.(s?html?|xhtml)$/i

/** Is this an HTML page under a name that is not one of HTML? */
export function isUnexpectedPage(path: string, { contentType }: Pick<StoredHeaders, 'contentType'>): boolean {
  return contentType !== undefined && html.test(contentType) && !pagePath.test(path)
}

export interface FinalAnswer {
  /** The URL that was asked for. */
  readonly asked: URL
  /** The URL that answered. */
  readonly url: URL
  /** Redirects that led there. */
  readonly hop: number
  /** Names are lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** Did a redirect to another path lead to an unexpected page whose origin wants no cache to keep it? */
export function isSignInPage({ asked, url, hop, headers }: FinalAnswer): boolean {
  const { 'content-type': contentType, 'cache-control': cacheControl = '' } = headers
  if (hop === 0 || asked.pathname === url.pathname || contentType === undefined) return false
  return (
    isUnexpectedPage(asked.pathname, { contentType }) && /(^|[\s,])(no-store|private)\s*(=|,|$)/i.test(cacheControl)
  )
}

/** May a stored answer be a sign-in page? Any page may: a site asks for a sign-in under the names of its pages, too. */
export function mayBeSignInPage({ headers }: { readonly headers: StoredHeaders }): boolean {
  return headers.contentType !== undefined && html.test(headers.contentType)
}
