/** The answer of an origin (`freshness: origin`) in the manifest of a bundle. Its content is not trusted. Pure. */

import { answerId } from '../../engine/by-origin/candidates.js'
import { keptFields } from '../../http/caching/fields.js'
import type { Fields, Part, StoredAnswer } from '../../http/caching/types.js'
import { isFieldValue } from '../../http/passed-headers.js'
import { keyOf } from '../../store/select.js'
import type { Entry } from '../../store/types.js'

/** RFC 9110 §5.1 */
const fieldName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/

/**
 * undefined: no origin could have sent it for this entry.
 * @param now milliseconds since the epoch
 */
export function readAnswer(
  value: unknown,
  { id, size }: Pick<Entry, 'id' | 'size'>,
  now: number,
): StoredAnswer | undefined {
  const { status, fields, requestedAt, receivedAt, vary, part } = (value ?? {}) as Record<string, unknown>
  if (!isCount(status) || status < 200 || status > 599 || !isCount(requestedAt) || !isCount(receivedAt))
    return undefined
  if (!isFields(fields) || !isFields(vary, true) || !(part === undefined || isPart(part, size))) return undefined
  const answer = {
    status,
    fields: keptFields(fields as Fields),
    requestedAt: Math.min(requestedAt, now),
    receivedAt: Math.min(receivedAt, now),
    vary,
    part,
  }
  return answerId(keyOf(id), answer) === id ? answer : undefined
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isFields(value: unknown, nullable = false): value is Readonly<Record<string, string | null>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(
      ([name, text]: [string, unknown]) =>
        fieldName.test(name) && ((nullable && text === null) || (typeof text === 'string' && isFieldValue(text))),
    )
  )
}

/** A range as long as the body. */
function isPart(value: unknown, size: number): value is Part {
  const { first, last, length } = (value ?? {}) as Record<string, unknown>
  return (
    isCount(first) &&
    isCount(last) &&
    last - first + 1 === size &&
    (length === undefined || (isCount(length) && last < length))
  )
}
