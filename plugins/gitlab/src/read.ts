/** Reads any URL of an instance as the thing that it names. */

import { readApiPath } from './api-urls.js'
import { pathBelow, type Instance } from './instance.js'
import type { Resource } from './resource.js'
import { splitQuery } from './secrets.js'
import { readWebPath } from './web-urls.js'

/** undefined for a URL that is not the instance's, and for one that is no download: a page, a list, other parts of the API. */
export function readUrl(instance: Instance, url: URL): Resource | undefined {
  const below = pathBelow(instance, url)
  if (below === undefined) return undefined
  const { plain } = splitQuery(url)
  return readApiPath(below, plain) ?? readWebPath(below, plain)
}
