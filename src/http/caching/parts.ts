/** Stored parts of a representation: which ranges they answer, and how they are completed. RFC 9111 §3.3, §3.4. Pure. */

import { parseContentRange, parseRange, resolveRange, type ByteRange } from '../range.js'
import { isStrong } from '../validation.js'
import type { Answered, Fields, Part, StoredAnswer } from './types.js'

/** The range of a 206; undefined without a valid Content-Range, or if the body is longer than the range. */
export function partOf({ status, fields }: Answered): Part | undefined {
  const content = status === 206 ? parseContentRange(fields['content-range']) : undefined
  if (content?.range === undefined) return undefined
  const part = { ...content.range, length: content.length }
  const length = fields['content-length']
  return length === undefined ? part : withSize(part, Number(length))
}

/** The part of which `size` bytes arrived: a cut part is a shorter part (§3.3); one that is too long is invalid. */
export function withSize(part: Part, size: number): Part | undefined {
  const last = part.first + size - 1
  return size > 0 && last <= part.last ? { ...part, last } : undefined
}

/** The range of the request within the stored part; undefined if the part lacks its bytes, or the request has no range. */
export function rangeWithin(request: Fields, { part, fields }: StoredAnswer): ByteRange | undefined {
  const range = parseRange(request['range'])
  const condition = request['if-range']
  if (!part || !range || (condition !== undefined && !(isStrong(condition) && condition === fields['etag'])))
    return undefined
  // A range that is counted from the end, or reaches it, needs the length.
  if (part.length === undefined && ('suffix' in range || range.last === undefined)) return undefined
  const found = resolveRange(range, part.length ?? Infinity)
  return found && found.first >= part.first && found.last <= part.last ? found : undefined
}

/** The fields that request the rest of a stored beginning; undefined without a strong validator (§3.4). */
export function completing({ part, fields }: StoredAnswer): Fields | undefined {
  const { etag } = fields
  if (part?.first !== 0 || part.length === undefined || !isStrong(etag)) return undefined
  return { range: `bytes=${part.last + 1}-`, 'if-range': etag }
}

/** Does this answer continue the stored beginning to its end? §3.4: both have the same strong validator. */
export function completes({ part, fields }: StoredAnswer, answer: Answered): boolean {
  const more = partOf(answer)
  return (
    part?.length !== undefined &&
    more?.first === part.last + 1 &&
    more.last === part.length - 1 &&
    (more.length ?? part.length) === part.length &&
    isStrong(fields['etag']) &&
    fields['etag'] === answer.fields['etag']
  )
}
