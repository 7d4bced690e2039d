/** Corrects the ledger of bytes by the files on the disk. */

import type { Database } from './index/database.js'
import { COST, ENTRIES, ENTRY_SHA256 } from './index/schema.js'
import type { Layout } from './layout.js'
import type { Sha256 } from './types.js'
import { blobFolders, fileSize, isBlobName } from './walk.js'

/**
 * Counts the files that the ledger does not know, and strikes rows without a file. Leaves rows that a transfer claims or a
 * process is removing: they are about to change. Resolves with the number of unknown files.
 */
export async function repairLedger(layout: Layout, database: Database): Promise<number> {
  let unknown = 0
  const rows = await database.query<{ sha256: Sha256; size: number }>('SELECT sha256, size FROM blobs')
  const known = new Map(rows.map((row) => [row.sha256, row.size]))
  for await (const { folder, names } of blobFolders(layout)) {
    for (const name of names) {
      if (!isBlobName(layout, folder, name)) continue
      if (known.delete(name)) continue
      await count(layout, database, name)
      unknown++
    }
  }
  // The remaining rows had no file when their folder was read; they may have one by now.
  for (const sha256 of known.keys()) {
    if ((await fileSize(layout.blob(sha256))) === undefined) await strikeIfUnclaimed(database, sha256)
  }
  await database.query(`UPDATE blobs SET entries = named.n, last_used = max(last_used, named.used)
    FROM (SELECT ${ENTRY_SHA256} AS of, count(*) AS n, max(json_extract(value, '$.value.lastUsedAt')) AS used
      FROM ${ENTRIES} GROUP BY of) AS named
    WHERE sha256 = named.of AND (entries <> named.n OR last_used < named.used)`)
  await database.query(`UPDATE settings SET value = (SELECT coalesce(sum(${COST}), 0) FROM blobs) WHERE name = 'used'`)
  return unknown
}

async function count(layout: Layout, database: Database, sha256: Sha256): Promise<void> {
  const size = await fileSize(layout.blob(sha256))
  if (size === undefined) return
  await database.query(
    `INSERT INTO blobs (sha256, size, last_used) VALUES (?, ?, 0) ON CONFLICT (sha256) DO NOTHING`,
    sha256,
    size,
  )
  // Removed between the look and the row: no other process would strike it.
  if ((await fileSize(layout.blob(sha256))) === undefined) await strikeIfUnclaimed(database, sha256)
}

async function strikeIfUnclaimed(database: Database, sha256: Sha256): Promise<void> {
  await database.query(
    'DELETE FROM blobs WHERE sha256 = ?1 AND doomed IS NULL AND ?1 NOT IN (SELECT sha256 FROM claims)',
    sha256,
  )
}
