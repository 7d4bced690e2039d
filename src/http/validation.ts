/** Validators and conditional requests, RFC 9110 §8.8 and §13. Pure. */

import { parseHttpDate } from './dates.js'

/** RFC 9110 §8.8.3: entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE. */
const entityTag = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/

export function isEntityTag(text: string): boolean {
  return entityTag.test(text)
}

/** A strong entity tag: equal tags mean equal bytes. */
export function isStrong(etag: string | undefined): etag is string {
  return etag !== undefined && etag.startsWith('"') && entityTag.test(etag)
}

/** RFC 9110 §8.8.3.2: equal, and both strong. */
export function strongEqual(a: string | undefined, b: string | undefined): boolean {
  return isStrong(a) && a === b
}

/** RFC 9110 §8.8.3.2: equal but for `W/`. */
export function weakEqual(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a.replace(/^W\//, '') === b.replace(/^W\//, '')
}

/** The validators of an answer by kiss. */
export interface Validators {
  readonly etag?: string
  readonly lastModified?: string
}

/** Lower-case names, as `node:http` gives them. */
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>

/** The field's value; undefined where it is missing or came as several lines. */
export function field(headers: RequestHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** `*`, the tags of a list (RFC 9110 §5.6.1: empty elements are skipped), or undefined for any other text. */
function parseTagList(value: string): '*' | readonly string[] | undefined {
  if (value.trim() === '*') return '*'
  const tags: string[] = []
  const element = /[\t ,]*((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")[\t ]*(?=,|$)/y
  const rest = /[\t ,]*$/y
  for (let at = 0; ; at = element.lastIndex) {
    rest.lastIndex = element.lastIndex = at
    if (rest.test(value)) return tags
    const tag = element.exec(value)?.[1]
    if (tag === undefined) return undefined
    tags.push(tag)
  }
}

export type Precondition = 'go on' | 'not modified' | 'failed'

/**
 * Evaluates the preconditions of a GET or HEAD against the prepared answer, in the order of RFC 9110 §13.2.2. If-Range is
 * part of the range's own decision (range.ts).
 * @param now milliseconds since the epoch, for two-digit years
 */
export function evaluatePreconditions(headers: RequestHeaders, own: Validators, now: number): Precondition {
  const ownDate = own.lastModified === undefined ? undefined : parseHttpDate(own.lastModified, now)
  const ifMatch = field(headers, 'if-match')
  const ifUnmodifiedSince = field(headers, 'if-unmodified-since')
  if (ifMatch !== undefined) {
    // §13.1.1: strong comparison, because the client relies on equal bytes.
    const tags = parseTagList(ifMatch) ?? []
    if (tags !== '*' && !tags.some((tag) => strongEqual(tag, own.etag))) return 'failed'
  } else if (ifUnmodifiedSince !== undefined && ownDate !== undefined) {
    const since = parseHttpDate(ifUnmodifiedSince, now)
    if (since !== undefined && ownDate > since) return 'failed'
  }
  const ifNoneMatch = field(headers, 'if-none-match')
  if (ifNoneMatch !== undefined) {
    // §13.1.2: weak comparison. An unreadable list matches nothing, and still hides If-Modified-Since (§13.1.3).
    const tags = parseTagList(ifNoneMatch) ?? []
    return tags === '*' || tags.some((tag) => weakEqual(tag, own.etag)) ? 'not modified' : 'go on'
  }
  const ifModifiedSince = field(headers, 'if-modified-since')
  if (ifModifiedSince !== undefined && ownDate !== undefined) {
    const since = parseHttpDate(ifModifiedSince, now)
    if (since !== undefined && ownDate <= since) return 'not modified'
  }
  return 'go on'
}

/**
 * Does a 304 with these validators confirm the stored answer? RFC 9111 §4.3.4: a strong validator in the 304 has to be the
 * stored one; a weak one has to correspond to it. A 304 without validators confirms the validators of its request.
 * @param now milliseconds since the epoch, for two-digit years
 */
export function confirms(stored: Validators, answered: Validators, now: number): boolean {
  const { etag, lastModified } = answered
  if (etag?.startsWith('"') === true) return etag === stored.etag
  if (etag !== undefined && !weakEqual(etag, stored.etag)) return false
  const ours = stored.lastModified === undefined ? undefined : parseHttpDate(stored.lastModified, now)
  const theirs = lastModified === undefined ? undefined : parseHttpDate(lastModified, now)
  return ours === undefined || theirs === undefined || ours === theirs
}

/** The fields of a conditional request for a stored answer, RFC 9111 §4.3.1: every validator that there is. */
export function conditionalHeaders(stored: Validators): Record<string, string> {
  return {
    ...(stored.etag !== undefined && { 'if-none-match': stored.etag }),
    ...(stored.lastModified !== undefined && { 'if-modified-since': stored.lastModified }),
  }
}

/**
 * The validator that proves that a range continues the same bytes: only a strong ETag. Last-Modified is strong only if the Date
 * of a trusted clock is at least a second later (RFC 9110 §8.8.2.2).
 */
export function resumeValidator(stored: Validators): string | undefined {
  return isStrong(stored.etag) ? stored.etag : undefined
}
