/** Reads the answers of a kiss server. Pure. */

import type { ListedEntry } from '../../server/entries.js'

/** Is this one of the `entries` of a list? */
export function isListedEntry(value: unknown): value is Omit<ListedEntry, 'id'> & { readonly id?: string } {
  if (typeof value !== 'object' || value === null) return false
  const {
    pinnedUntil = null,
    id = '',
    url,
    size,
    sha256,
    storedAt,
    staleAt,
    lastUsedAt,
    hits,
    private: isPrivate,
  } = value as Record<string, unknown>
  return (
    typeof id === 'string' &&
    (pinnedUntil === null || Number.isFinite(pinnedUntil)) &&
    typeof url === 'string' &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    [size, hits].every(isCount) &&
    [storedAt, staleAt, lastUsedAt].every((time) => typeof time === 'number' && Number.isFinite(time)) &&
    typeof isPrivate === 'boolean'
  )
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Is this the document of `/api/v1/status/`, of kiss or of KissCache? */
export function isStatus(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const figures = Object.entries(value).filter(([key]) => /^(?:disk|resources|statistics)_/.test(key))
  return (
    figures.length > 0 &&
    figures.every(([, figure]) => typeof figure === 'number' && Number.isFinite(figure) && figure >= 0)
  )
}
