/** The provider of last resort: plain HTTP and HTTPS. */

import { basicCredential, type Login } from '../http/netrc.js'
import { canonicalUrl, carriesCredential } from '../http/urls.js'
import type { UpstreamProvider } from './types.js'

export const plainProvider: UpstreamProvider = {
  name: 'http',
  priority: 0,
  matches: (url) => url.protocol === 'http:' || url.protocol === 'https:',
  cacheKey: canonicalUrl,
  carriesCredential,
}

/**
 * The same with the user's own logins, each for its host. A redirect to another host gets that host's login or none.
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
