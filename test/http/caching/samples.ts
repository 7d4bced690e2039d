/** The time, the requests and the stored answers of the tests of caching. */
import type { AskedFor, Fields, StoredAnswer } from '#kiss/http/caching/types.js'

export const NOW = Date.parse('2026-11-27T08:00:00Z')
export const date = (seconds: number): string => new Date(NOW + seconds * 1000).toUTCString()

export const asked = (fields: Fields = {}, more: Partial<AskedFor> = {}): AskedFor => ({
  method: 'GET',
  fields,
  credentialed: false,
  ...more,
})

/** An answer that came so many seconds ago. */
export const stored = (fields: Fields, ago = 0, more: Partial<StoredAnswer> = {}): StoredAnswer => ({
  status: 200,
  fields: { date: date(-ago), ...fields },
  requestedAt: NOW - ago * 1000,
  receivedAt: NOW - ago * 1000,
  vary: {},
  ...more,
})
