/** Vary as the second part of the cache key, RFC 9111 §4.1. Pure. */

import type { Fields, StoredAnswer } from './types.js'

/** The names in a Vary field, lower case and sorted; undefined for `*`, which nothing matches. */
export function varyNames(vary = ''): readonly string[] | undefined {
  const names = vary
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
  return names.includes('*') ? undefined : [...new Set(names)].sort()
}

/** What the request has of these fields, white space and empty elements aside. */
export function selecting(names: readonly string[], fields: Fields): Readonly<Record<string, string | null>> {
  return Object.fromEntries(names.map((name) => [name, normalised(name, fields[name])]))
}

/** Languages and codings are compared without case (RFC 9110 §12.5), and a list without weights in any order. */
function normalised(name: string, value: string | undefined): string | null {
  if (value === undefined) return null
  const parts = value
    .split(',')
    .map((part) => part.trim().replace(/[\t ]*;[\t ]*/g, ';'))
    .filter((part) => part !== '')
  if (!/^accept-(language|encoding|charset)$/.test(name)) return parts.join(', ')
  const lower = parts.map((part) => part.toLowerCase())
  return (lower.some((part) => part.includes(';')) ? lower : lower.sort()).join(', ')
}

/** Does the request select this stored answer? */
export function isSelected({ vary }: Pick<StoredAnswer, 'vary'>, fields: Fields): boolean {
  return Object.entries(vary).every(([name, value]) => normalised(name, fields[name]) === value)
}
