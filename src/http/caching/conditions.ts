/** Conditions of clients on stored answers, and those that kiss sends itself: RFC 9111 §4.3. Pure. */

import { weakEqual } from '../validation.js'
import { dateOf } from './freshness.js'
import type { Fields, StoredAnswer } from './types.js'

/**
 * Does the client hold this answer already, so that it needs no body? §4.3.2: If-None-Match comes before If-Modified-Since, and a cache does not
 * evaluate If-Match and If-Unmodified-Since.
 * @param now milliseconds since the epoch
 */
export function isKnownToClient(
  request: Fields,
  { status, fields }: Pick<StoredAnswer, 'status' | 'fields'>,
  now: number,
): boolean {
  if (status !== 200) return false
  const { 'if-none-match': tags, 'if-modified-since': since } = request
  if (tags !== undefined) return tags.trim() === '*' || tagsOf(tags).some((tag) => weakEqual(tag, fields['etag']))
  const asked = dateOf(since, now)
  // §4.3.2: without Last-Modified, the Date of the answer is used.
  const changed = dateOf(fields['last-modified'], now) ?? dateOf(fields['date'], now)
  return asked !== undefined && changed !== undefined && changed <= asked
}

function tagsOf(list: string): readonly string[] {
  return list.match(/(?:W\/)?"[^"]*"/g) ?? []
}

/** §4.3.1: the conditions of a request that validates a stored answer, in place of the client's own. */
export function validating(request: Fields, { fields }: Pick<StoredAnswer, 'fields'>): Fields {
  const { etag, 'last-modified': lastModified } = fields
  return {
    ...withoutConditions(request),
    ...(etag !== undefined && { 'if-none-match': etag }),
    ...(lastModified !== undefined && { 'if-modified-since': lastModified }),
  }
}

/** The request for the whole, without the conditions of the client. */
export function withoutConditions(request: Fields): Fields {
  const own = /^(if-match|if-none-match|if-modified-since|if-unmodified-since|if-range|range)$/
  return Object.fromEntries(Object.entries(request).filter(([name]) => !own.test(name)))
}

/**
 * §4.3.4: does a 304 confirm the stored answer? A strong validator in it has to be the stored one, a weak one has to
 * correspond; without any it confirms the validators of its request.
 */
export function confirmsStored(
  { fields: stored }: Pick<StoredAnswer, 'fields'>,
  { etag, 'last-modified': modified }: Fields,
): boolean {
  if (etag !== undefined && stored['etag'] !== undefined)
    return etag.startsWith('"') ? etag === stored['etag'] : weakEqual(etag, stored['etag'])
  return modified === undefined || stored['last-modified'] === undefined || modified === stored['last-modified']
}

/** §4.3.5: may the answer to a HEAD freshen the stored answer? If not, the content changed. */
export function headAgrees({ fields: stored }: Pick<StoredAnswer, 'fields'>, head: Fields): boolean {
  return ['etag', 'last-modified', 'content-length'].every(
    (name) => head[name] === undefined || stored[name] === undefined || head[name] === stored[name],
  )
}
