/**
 * Decides which range to request for a partial body, and what the answer means. Pure. The rule (cache rule 4): bytes are
 * appended only if it is proved that they continue the same content.
 */

import { parseContentRange, resumeRange } from '../http/range.js'
import { storedHeaders } from '../http/stored.js'
import { conditionalHeaders, confirms, resumeValidator, strongEqual } from '../http/validation.js'
import type { Head, Sum } from './directory.js'
import type { Entry, Sha256 } from '../store/types.js'

/** The state of a download before an attempt. */
export interface Held {
  /** Bytes on disk. */
  readonly size: number
  readonly head: Head | undefined
  /** The entry to validate; only before the first byte of a download. */
  readonly stale: Entry | undefined
}

/** `source`: the source that gave the validators. */
export type Ask =
  | { readonly kind: 'whole'; readonly headers: Readonly<Record<string, string>>; readonly source?: undefined }
  | {
      readonly kind: 'validate'
      readonly headers: Readonly<Record<string, string>>
      readonly source: string | undefined
    }
  | { readonly kind: 'rest'; readonly headers: Readonly<Record<string, string>>; readonly source: string | undefined }

export function ask({ size, head, stale }: Held): Ask {
  const validator = size > 0 && head?.ranges ? resumeValidator(head.headers) : undefined
  // RFC 9110 §13.1.5: If-Range needs a strong validator; if the content changed, the answer is a 200 with the whole.
  if (validator !== undefined)
    return { kind: 'rest', headers: { range: resumeRange(size), 'if-range': validator }, source: head?.source }
  const conditions = size === 0 && !head && stale ? conditionalHeaders(stale.headers) : {}
  return Object.keys(conditions).length > 0
    ? { kind: 'validate', headers: conditions, source: stale?.source }
    : { kind: 'whole', headers: {} }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly source?: string | undefined
  readonly sha256?: string | undefined
  /** Milliseconds since the origin confirmed the bytes; absent: now. */
  readonly age?: number | undefined
  /** The Cache-Status of a parent. */
  readonly cacheStatus?: string | undefined
}

export interface Circumstances {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Lower-case names of the headers that the client passed on. */
  readonly passedNames: readonly string[]
  /** Identifies the final URL that gave the answer. */
  readonly resource: string
  /** Redirects that led there. */
  readonly hop: number
  /** A sign-in page came in place of the artifact. */
  readonly signIn: boolean
}

export type Verdict =
  /** A 206 that continues the held bytes up to byte `end`; the whole has `length` bytes. */
  | { readonly kind: 'append'; readonly length: number; readonly end: number }
  /** The body from its first byte; nothing is held. */
  | { readonly kind: 'begin'; readonly head: Head }
  /** The whole again: compare the held bytes, then append the rest. */
  | { readonly kind: 'compare'; readonly head: Head }
  /** The whole of another content. */
  | { readonly kind: 'changed'; readonly head: Head }
  /** 304 to our validators. */
  | { readonly kind: 'renewed' }
  /** A 416 with the held length and version: the connection broke after the last byte. */
  | { readonly kind: 'complete' }
  /** An answer to a range or to validators that proves nothing: request the whole. */
  | { readonly kind: 'distrust' }
  /** No artifact: the status decides. */
  | { readonly kind: 'failure' }

export function judge(asked: Ask['kind'], answer: Answer, held: Held, circumstances: Circumstances): Verdict {
  if (answer.status === 304 && asked === 'validate')
    return { kind: held.stale && isConfirmed(held.stale, answer, circumstances) ? 'renewed' : 'distrust' }
  if (answer.status === 206) return asked === 'rest' ? judgeRange(answer, held, circumstances) : { kind: 'failure' }
  if (answer.status === 200) {
    const head = headOf(answer, circumstances)
    return asked === 'rest' && mayBeRest(head, held) ? { kind: 'distrust' } : judgeWhole(head, held)
  }
  if (asked !== 'rest') return { kind: 'failure' }
  if (answer.status === 416) {
    const total = parseContentRange(answer.headers['content-range'])?.length
    const whole =
      total === held.size && !unequal(held.head?.length, total) && isSameVersion(answer, held, circumstances)
    return whole ? { kind: 'complete' } : { kind: 'distrust' }
  }
  // Some origins answer a failed If-Range with 412 (RFC 9110 §13.1.5 wants 200): the whole is requested and compared.
  return answer.status === 412 ? { kind: 'distrust' } : { kind: 'failure' }
}

/**
 * Some origins send the rest with status 200. Without a Content-Range, the known length or another ETag (RFC 9110 §13.1.5)
 * proves that the answer is the whole, unless its length is that of the rest.
 */
function mayBeRest({ headers, length }: Head, { size, head }: Held): boolean {
  if (unequal(headers.etag, head?.headers.etag)) return length !== undefined && length + size === head?.length
  return length === undefined || length !== head?.length
}

function judgeRange(answer: Answer, held: Held, circumstances: Circumstances): Verdict {
  const content = parseContentRange(answer.headers['content-range'])
  const length = content?.length ?? held.head?.length
  // Without a known total, it is not known whether this range reaches the end.
  if (content?.range?.first !== held.size || length === undefined || unequal(length, held.head?.length))
    return { kind: 'distrust' }
  // RFC 9110 §15.3.7: a 206 to If-Range carries the ETag; one without proves nothing.
  const { contentEncoding } = storedHeaders(answer.headers, circumstances.now)
  // Another Content-Encoding means other bytes, even under the same ETag.
  const isSameSum = !unequal(answer.sha256, held.head?.sha256)
  const proved =
    isSameSum && isSameVersion(answer, held, circumstances) && contentEncoding === held.head?.headers.contentEncoding
  return proved ? { kind: 'append', length, end: content.range.last + 1 } : { kind: 'distrust' }
}

function judgeWhole(head: Head, held: Held): Verdict {
  if (!held.head) return { kind: 'begin', head }
  const differs =
    unequal(head.length, held.head.length) ||
    unequal(head.sha256, held.head.sha256) ||
    unequal(head.headers.etag, held.head.headers.etag) ||
    head.headers.contentEncoding !== held.head.headers.contentEncoding
  return { kind: differs ? 'changed' : 'compare', head }
}

/** A field that only one of two answers has proves nothing: the bytes will be compared. */
export function unequal<T>(a: T | undefined, b: T | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b
}

function isSameVersion(answer: Answer, { head }: Held, circumstances: Circumstances): boolean {
  return strongEqual(answer.headers.etag, head?.headers.etag) && isSameResource(head?.resource, circumstances)
}

/** Does a 304 confirm a stored answer? Only if the validators belong to the final URL that it came from. */
export function isConfirmed(
  stored: Pick<Head, 'headers' | 'resource'>,
  { headers }: Pick<Answer, 'headers'>,
  { now, ...place }: Pick<Circumstances, 'now' | 'resource' | 'hop'>,
): boolean {
  const { etag, 'last-modified': lastModified } = headers
  const answered = { ...(etag !== undefined && { etag }), ...(lastModified !== undefined && { lastModified }) }
  return isSameResource(stored.resource, place) && confirms(stored.headers, answered, now)
}

/** If an older version of kiss recorded no resource, the requested URL itself is trusted. */
function isSameResource(
  stored: string | undefined,
  { resource, hop }: Pick<Circumstances, 'resource' | 'hop'>,
): boolean {
  return stored === undefined ? hop === 0 : stored === resource
}

/** The head of the body of a 200. */
export function headOf(answer: Answer, { now, passedNames, resource, signIn }: Circumstances): Head {
  return {
    headers: storedHeaders(answer.headers, now),
    length: lengthOf(answer.headers),
    ranges: answer.headers['accept-ranges']?.trim().toLowerCase() !== 'none',
    source: answer.source,
    confirmedAt: confirmedAt(answer, now),
    cacheStatus: answer.cacheStatus,
    resource,
    sha256: answer.sha256,
    signIn,
    varies: variesOn(answer.headers.vary, passedNames),
  }
}

/** The length that an answer with the whole announces. */
export function lengthOf({ 'content-length': length }: Answer['headers']): number | undefined {
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined
}

/** Milliseconds since the epoch: the time when the origin confirmed the bytes, if the answer comes from the store of a parent. */
export function confirmedAt({ age }: Pick<Answer, 'age'>, now: number): number | undefined {
  return age === undefined ? undefined : now - age
}

/** RFC 9110 §12.5.5: does `Vary` name a header that the client passed on? */
function variesOn(vary: string | undefined, passedNames: readonly string[]): boolean {
  const names = (vary ?? '').split(',').map((name) => name.trim().toLowerCase())
  return passedNames.length > 0 && names.some((name) => name === '*' || passedNames.includes(name))
}

/** Did a predecessor write every byte? Its sum or the announced length proves it. `delimited`: see {@link Sum}. */
export function wroteAll(
  { size, head }: Pick<Held, 'size' | 'head'>,
  sha256: Sha256,
  sum: Sum | undefined,
): { readonly delimited: boolean } | undefined {
  if (!head || unequal(head.sha256, sha256)) return undefined
  if (sum?.size === size && sum.sha256 === sha256) return { delimited: sum.delimited }
  return head.length === size && size > 0 ? { delimited: true } : undefined
}

/** Merges the heads of two answers for one content: a later answer may add a length or a newer Last-Modified; it removes nothing. */
export function mergeHeads(held: Head | undefined, now: Head): Head {
  return {
    ...now,
    headers: { ...held?.headers, ...now.headers },
    length: now.length ?? held?.length,
    sha256: now.sha256 ?? held?.sha256,
  }
}
