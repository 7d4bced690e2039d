/** Carries over what a locked index holds: the file is in order, only nobody can write to it. */

import type { Query } from './connection.js'
import { ENTRIES } from './schema.js'

/**
 * What is in the new index already is newer. Blobs come before reservations, which their coming would end, and before the
 * entries that mark them as used.
 */
const copies = [
  `INSERT OR IGNORE INTO settings SELECT * FROM old.settings`,
  // The entries that come count themselves.
  `INSERT OR IGNORE INTO blobs SELECT sha256, size, last_used, doomed, brought_by, stamp, boot, 0 FROM old.blobs`,
  `INSERT OR IGNORE INTO reservations SELECT * FROM old.reservations`,
  `INSERT OR IGNORE INTO claims SELECT * FROM old.claims`,
  `INSERT OR IGNORE INTO ${ENTRIES} SELECT * FROM old.${ENTRIES}`,
  `INSERT INTO counters SELECT * FROM old.counters WHERE true
    ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`,
]

/** Reads beside the lock, which in WAL mode keeps out writers only. Throws what SQLite throws where it keeps out readers too. */
export async function salvage(query: Query, file: string): Promise<void> {
  await query('ATTACH ? AS old', file)
  try {
    for (const copy of copies) await query(copy)
  } finally {
    await query('DETACH old')
  }
}
