/** The statements that read and write several rows of entries at once. */

import type { Entry, KeyId } from '../types.js'
import type { Query } from './connection.js'
import { ENTRIES } from './schema.js'

export interface Row {
  readonly key: KeyId
  readonly value: string
}

export function entryOf(row: Row): Entry {
  return (JSON.parse(row.value) as { value: Entry }).value
}

/** The entries of these ids, as far as there are any. */
export async function readEntries(query: Query, ids: readonly KeyId[]): Promise<ReadonlyMap<KeyId, Entry>> {
  const rows = await query<Row>(
    `SELECT key, value FROM ${ENTRIES} WHERE key IN (SELECT value FROM json_each(?))`,
    JSON.stringify(ids),
  )
  return new Map(rows.map((row) => [row.key, entryOf(row)]))
}

/** Writes those entries whose blobs are claimed (ledger.ts), and ends their claims. Resolves with their ids. */
export async function writeClaimed(query: Query, entries: readonly Entry[]): Promise<ReadonlySet<KeyId>> {
  const given = entries.map((entry) => ({
    key: entry.id,
    sha256: entry.sha256,
    value: JSON.stringify({ value: entry }),
  }))
  const rows = await query<Pick<Row, 'key'>>(
    `WITH given (key, sha256, value) AS (
        SELECT json_extract(value, '$.key'), json_extract(value, '$.sha256'), json_extract(value, '$.value') FROM json_each(?))
      INSERT INTO ${ENTRIES} (key, value) SELECT key, value FROM given
      WHERE EXISTS (SELECT 1 FROM claims WHERE sha256 = given.sha256 AND id = given.key)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value RETURNING key`,
    JSON.stringify(given),
  )
  const written = new Set(rows.map(({ key }) => key))
  // Killed here: the owners of the claims are dead, so that they are reclaimed.
  await query(
    `DELETE FROM claims WHERE (sha256, id) IN (
      SELECT json_extract(value, '$.sha256'), json_extract(value, '$.key') FROM json_each(?))`,
    JSON.stringify(given.filter(({ key }) => written.has(key)).map(({ key, sha256 }) => ({ key, sha256 }))),
  )
  return written
}
