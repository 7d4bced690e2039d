/** The provider of last resort: plain HTTP and HTTPS. */

import { canonicalUrl, carriesCredential } from '../http/urls.js'
import type { UpstreamProvider } from './types.js'

export const plainProvider: UpstreamProvider = {
  name: 'http',
  priority: 0,
  matches: (url) => url.protocol === 'http:' || url.protocol === 'https:',
  cacheKey: canonicalUrl,
  carriesCredential,
}
