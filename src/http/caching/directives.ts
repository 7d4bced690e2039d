/** Cache-Control (RFC 9111 §5.2) and CDN-Cache-Control (RFC 9213), read into directives. Pure. */

import { parseDictionary } from 'structured-headers'
import type { Fields } from './types.js'

/** Lower-case names; `true` where there is no argument. */
export type Directives = ReadonlyMap<string, string | true>

/** Seconds beyond which a number means the same (RFC 9111 §1.2.2). */
export const LARGEST = 2 ** 31

/** name, or name=token, or name="string". Other text up to the next comma is ignored. */
const directive =
  /[\t ,]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+\-.^_`|~0-9A-Za-z]*)))?[\t ]*(?=,|$)/y

/** RFC 9111 §4.2.1: of a directive that is given twice, the first counts. */
export function parseCacheControl(text = ''): Directives {
  const found = new Map<string, string | true>()
  for (let at = 0; at < text.length;) {
    directive.lastIndex = at
    const match = directive.exec(text)
    if (match === null) {
      const comma = text.indexOf(',', at)
      if (comma === -1) break
      at = comma + 1
      continue
    }
    const [, name = '', quoted, token] = match
    const value = quoted?.replace(/\\(.)/g, '$1') ?? token
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), value ?? true)
    at = directive.lastIndex
  }
  return found
}

/** The directives for an answer: those of the targeted field if it is valid and not empty, otherwise of Cache-Control. */
export interface Policy {
  readonly directives: Directives
  /** RFC 9213 §2.2: Cache-Control and Expires do not count. */
  readonly targeted: boolean
}

export function policyOf(fields: Fields): Policy {
  const targeted = parseTargeted(fields['cdn-cache-control'])
  return targeted === undefined
    ? { directives: parseCacheControl(fields['cache-control']), targeted: false }
    : { directives: targeted, targeted: true }
}

/** Directives whose argument is a number of seconds. */
const seconds: ReadonlySet<string> = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'])

/** RFC 9213 §2.1: a structured dictionary. undefined where it is missing, empty or not valid. */
function parseTargeted(text: string | undefined): Directives | undefined {
  if (text === undefined || text.trim() === '') return undefined
  try {
    const found = new Map<string, string | true>()
    for (const [name, [value]] of parseDictionary(text)) {
      // A directive whose value has another type than it should is ignored; without one that counts, the field is empty.
      if (seconds.has(name)) {
        if (typeof value === 'number' && Number.isInteger(value) && value >= 0) found.set(name, String(value))
      } else if (value !== false) found.set(name, value === true ? true : String(value))
    }
    return found.size === 0 ? undefined : found
  } catch {
    return undefined
  }
}

/**
 * Seconds. RFC 9111 §1.2.2: a number that is too large counts as the maximum. §4.2.1: an invalid number means stale, which is 0.
 * undefined: the directive is not there.
 */
export function secondsOf(directives: Directives, name: string): number | undefined {
  const value = directives.get(name)
  if (value === undefined) return undefined
  return typeof value === 'string' && /^\d+$/.test(value) ? Math.min(Number(value), LARGEST) : 0
}
