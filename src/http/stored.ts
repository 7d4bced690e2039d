/** The headers of an origin that are kept with an artifact and shown to clients, each with its reason. */

import { parseHttpDate } from './dates.js'
import { dispositionName } from './disposition.js'
import { isEntityTag } from './validation.js'

/** The fields of an origin's answer that kiss keeps. */
export interface StoredHeaders {
  /** As the origin sent it. Clients (for example LAVA) use it. */
  readonly contentType?: string
  /** RFC 9110 §8.4: the coding of the bytes if the origin ignored `identity`. Clients decode them as from the origin. */
  readonly contentEncoding?: string
  /** RFC 9110 §8.8.3, verbatim, weak or strong. */
  readonly etag?: string
  /** RFC 9110 §8.8.2, verbatim. */
  readonly lastModified?: string
  /** The name of the file in Content-Disposition (RFC 6266), where the origin gives one. */
  readonly fileName?: string
}

/** Characters: no sensible type, tag or date is longer, and the field is sent with every hit. */
const longestField = 1024

/** RFC 9110 §8.3.1: type "/" subtype and parameters, nothing that could end the line. */
const mediaType = /^[\w!#$%&'*+\-.^`|~]+\/[\w!#$%&'*+\-.^`|~]+(?:[\t ]*;[\t\x20-\x7e]*)?$/

/** RFC 9110 §8.4.1: a list of codings, in lower case; `identity` is none (§12.5.3). */
const codings = /^(?!identity$)[\w!#$%&'*+\-.^`|~]+(?:[\t ]*,[\t ]*[\w!#$%&'*+\-.^`|~]+)*$/

/**
 * Keeps the fields of {@link StoredHeaders} that are valid by RFC 9110, and drops all others: cookies, HSTS, CORS grants,
 * Clear-Site-Data and Link would act on the cache's own origin; kiss sets Content-Length and Cache-Control itself.
 * @param headers lower-case names, as the origin sent them
 * @param now milliseconds since the epoch, for two-digit years
 */
export function storedHeaders(headers: Readonly<Record<string, string | undefined>>, now: number): StoredHeaders {
  const contentType = short(headers['content-type'])
  const contentEncoding = short(headers['content-encoding'])?.toLowerCase()
  const etag = short(headers['etag'])
  const lastModified = short(headers['last-modified'])
  const fileName = dispositionName(short(headers['content-disposition']) ?? '')
  return {
    ...(contentType !== undefined && mediaType.test(contentType) && { contentType }),
    ...(contentEncoding !== undefined && codings.test(contentEncoding) && { contentEncoding }),
    ...(etag !== undefined && isEntityTag(etag) && { etag }),
    ...(lastModified !== undefined && parseHttpDate(lastModified, now) !== undefined && { lastModified }),
    ...(fileName !== undefined && { fileName }),
  }
}

function short(value: string | undefined): string | undefined {
  const text = value?.trim()
  return text === undefined || text.length > longestField ? undefined : text
}
