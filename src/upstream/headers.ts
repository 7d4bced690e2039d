/** Which headers may go to an origin, and which of them may follow a redirect to another. Pure; names are lower case. */

import { isFieldValue, isSelecting, refusal } from '../http/passed-headers.js'

export type Headers = Readonly<Record<string, string>>

/** Headers of conditional and range requests, which kiss sets itself. */
const OWN = new Set(['range', 'if-range', 'if-none-match', 'if-modified-since'])

/** RFC 9110 §5.6.2, in lower case. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

/** The fault of the first header that HTTP does not allow, without its value; undefined when all are valid. */
export function malformed(headers: Headers): string | undefined {
  for (const [name, value] of Object.entries(headers)) {
    if (!TOKEN.test(name)) return 'there is a header with a name that HTTP does not allow'
    if (!isFieldValue(value)) return `the header ${name} has a value that HTTP does not allow`
  }
  return undefined
}

/** The headers that may be sent: passed ones, a provider's, and kiss's own. */
export function sendable(headers: Headers): Record<string, string> {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  return Object.fromEntries(named.filter(([name]) => OWN.has(name) || name === 'accept' || refusal(name) === undefined))
}

/** The headers that follow a redirect to another origin. Any other passed header may be a credential. */
export function withoutCredentials(headers: Headers): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => OWN.has(name) || isSelecting(name)))
}

/** Those that belong to one copy of the bytes (validators, range), taken away. */
export function withoutValidators(headers: Headers): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN.has(name)))
}

/** An answer's headers, repeated fields joined (RFC 9110 §5.3). */
export function joined(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const entries = Object.entries(headers).filter(
    (entry): entry is [string, string | string[]] => entry[1] !== undefined,
  )
  return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]))
}
