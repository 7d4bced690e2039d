/** Sign-in pages that come with status 200 where an artifact was asked for. Pure. */

import type { StoredHeaders } from './stored.js'

/** Media types of HTML pages. */
const html = /^\s*(text\/html|application\/xhtml\+xml)\s*(;|$)/i

/** Paths under which HTML is expected: a folder, or the extension of a page. */
const pagePath = /(^|\/)$|\.(s?html?|xhtml)$/i

/** Is this an HTML page under a name without an HTML extension? */
function isUnexpectedPage(path: string, { contentType }: Pick<StoredHeaders, 'contentType'>): boolean {
  return contentType !== undefined && html.test(contentType) && !pagePath.test(path)
}

export interface FinalAnswer {
  /** The requested URL. */
  readonly asked: URL
  /** The URL that answered. */
  readonly url: URL
  /** Redirects that led there. */
  readonly hop: number
  /** Names are lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** Did a redirect to another path lead to an unexpected page that forbids storing? */
export function isSignInPage({ asked, url, hop, headers }: FinalAnswer): boolean {
  const { 'content-type': contentType, 'cache-control': cacheControl = '' } = headers
  if (hop === 0 || asked.pathname === url.pathname || contentType === undefined) return false
  return (
    isUnexpectedPage(asked.pathname, { contentType }) && /(^|[\s,])(no-store|private)\s*(=|,|$)/i.test(cacheControl)
  )
}

/** May a stored answer be a sign-in page? Any page may, because sites also ask for a sign-in under the names of their pages. */
export function mayBeSignInPage({ headers }: { readonly headers: StoredHeaders }): boolean {
  return headers.contentType !== undefined && html.test(headers.contentType)
}
