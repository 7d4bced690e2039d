/** Finds the provider of a URL: that of a plugin, or the one of last resort for plain HTTP and HTTPS. */

import { basicCredential, type Login } from '../http/netrc.js'
import { canonicalUrl, carriesCredential } from '../http/urls.js'
import type { UpstreamProvider } from './types.js'

/** The matching provider with the highest priority; among equal priorities the first by name. Pure. */
export function ownerOf(url: URL, providers: readonly UpstreamProvider[]): UpstreamProvider | undefined {
  let owner: UpstreamProvider | undefined
  for (const provider of providers) {
    if (provider.matches(url) && (owner === undefined || precedes(provider, owner))) owner = provider
  }
  return owner
}

function precedes(a: UpstreamProvider, b: UpstreamProvider): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.name < b.name)
}

/** Plain HTTP and HTTPS. */
export const plainProvider: UpstreamProvider = {
  name: 'http',
  priority: 0,
  matches: (url) => url.protocol === 'http:' || url.protocol === 'https:',
  cacheKey: canonicalUrl,
  carriesCredential,
}

/**
 * {@link plainProvider} with the user's own logins, each for its host. A redirect to another host gets that host's login or none.
 * @param logins by host, lower case
 */
export function plainWithLogins(logins: ReadonlyMap<string, Login>): UpstreamProvider {
  if (logins.size === 0) return plainProvider
  return {
    ...plainProvider,
    lends: (url) => logins.has(url.hostname),
    authorise: async (request, { clientCredential }) => {
      const login = clientCredential ? undefined : logins.get(request.url.hostname)
      if (login === undefined) return request
      return { ...request, headers: { authorization: basicCredential(login), ...request.headers } }
    },
  }
}
