/** Byte ranges, RFC 9110 §14, of our answers and of resumed downloads. Pure. */

import { field, strongEqual, type RequestHeaders, type Validators } from './validation.js'

/** One `bytes=` range; bytes, inclusive. */
export type RangeRequest =
  | { readonly first: number; readonly last: number | undefined }
  /** The last so many bytes. */
  | { readonly suffix: number }

/** An inclusive range of bytes that exists. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/**
 * Reads a Range field. undefined means the whole body (RFC 9110 §14.2): for another unit, for several ranges (kiss answers only
 * one), and for an invalid field.
 */
export function parseRange(value: string | undefined): RangeRequest | undefined {
  const match = value === undefined ? null : /^bytes=[\t ]*(\d*)-(\d*)[\t ]*$/i.exec(value)
  if (match === null) return undefined
  const [, from = '', to = ''] = match
  if (from === '') return to === '' ? undefined : { suffix: clamp(to) }
  const first = clamp(from)
  const last = to === '' ? undefined : clamp(to)
  // §14.1.1: an int-range whose last is less than its first is invalid.
  return last !== undefined && last < first ? undefined : { first, last }
}

/** A position beyond the largest safe number is beyond every body. */
function clamp(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER)
}

/** The part of a body of `length` bytes that a request names; undefined: it cannot be satisfied (416). */
export function resolveRange(range: RangeRequest, length: number): ByteRange | undefined {
  if ('suffix' in range) {
    if (range.suffix === 0 || length === 0) return undefined
    return { first: Math.max(0, length - range.suffix), last: length - 1 }
  }
  if (range.first >= length) return undefined
  return { first: range.first, last: Math.min(range.last ?? length - 1, length - 1) }
}

/**
 * Does If-Range let the range stand? (RFC 9110 §13.1.5: strong comparison; a date would have to be strong in the sense of
 * §8.8.2.2, which we never claim, so it asks for everything.)
 */
function ifRangeHolds(headers: RequestHeaders, own: Validators): boolean {
  const value = field(headers, 'if-range')
  return value === undefined || strongEqual(value.trim(), own.etag)
}

/** The range of a GET, before the length of the body has to be known; undefined: everything. */
export function requestedRange(method: string, headers: RequestHeaders, own: Validators): RangeRequest | undefined {
  // §14.2: Range is defined for GET alone.
  if (method !== 'GET') return undefined
  const range = parseRange(field(headers, 'range'))
  return range !== undefined && ifRangeHolds(headers, own) ? range : undefined
}

/** The Content-Range of a 206; `length` undefined while the length is unknown. */
export function formatContentRange(range: ByteRange, length: number | undefined): string {
  return `bytes ${range.first}-${range.last}/${length ?? '*'}`
}

/** The Content-Range of a 416. */
export function formatUnsatisfied(length: number): string {
  return `bytes */${length}`
}

/** A Content-Range as an origin sent it. */
export interface ContentRange {
  /** undefined in a 416. */
  readonly range: ByteRange | undefined
  /** Bytes of the whole; undefined where the origin does not know it. */
  readonly length: number | undefined
}

/** undefined for an invalid field (RFC 9110 §14.4): the answer must not be joined to anything. */
export function parseContentRange(value: string | undefined): ContentRange | undefined {
  const match = value === undefined ? null : /^bytes[\t ]+(?:(\d+)-(\d+)|\*)\/(\d+|\*)$/i.exec(value.trim())
  if (match === null) return undefined
  const length = match[3] === '*' ? undefined : Number(match[3])
  if (length !== undefined && !Number.isSafeInteger(length)) return undefined
  if (match[1] === undefined) return length === undefined ? undefined : { range: undefined, length }
  const range = { first: Number(match[1]), last: Number(match[2]) }
  if (!Number.isSafeInteger(range.last) || range.last < range.first) return undefined
  return length !== undefined && range.last >= length ? undefined : { range, length }
}

/** The Range field that asks for everything from `position` on. */
export function resumeRange(position: number): string {
  return `bytes=${position}-`
}
