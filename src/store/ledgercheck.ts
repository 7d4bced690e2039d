/** Compares the ledger of bytes with the files on the disk, and knows when that is necessary. */

import type { Query } from './index/connection.js'
import type { Database } from './index/database.js'
import { COST, ENTRIES, ENTRY_SHA256 } from './index/schema.js'
import type { Layout } from './layout.js'
import { dropOtherBoots } from './ledger.js'
import type { Sha256 } from './types.js'
import { blobFolders, fileSize, isBlobName } from './walk.js'

export interface LedgerCheckOptions {
  readonly layout: Layout
  readonly database: Database
  /** Identifies this boot; undefined: only a new index is compared with the disk. */
  readonly boot: string | undefined
}

/**
 * Compares ledger and disk when they may differ: in a new index, and once after each boot, since a power loss may have taken
 * the index's last transactions and not the files. A killed process leaves a ledger that counts too much, never too little.
 */
export class LedgerCheck {
  readonly #options: LedgerCheckOptions
  #checked: Promise<void> | undefined

  constructor(options: LedgerCheckOptions) {
    this.#options = options
  }

  async ensure(): Promise<void> {
    this.#checked ??= this.#check()
    try {
      await this.#checked
    } catch (error) {
      this.#checked = undefined
      throw error
    }
  }

  /** True when blobs may be without entries only because the index that had them was lost. */
  async indexLost(): Promise<boolean> {
    await this.ensure()
    return (await this.#options.database.run(({ query }) => read(query, 'lost'))) !== undefined
  }

  /** Every description has been read, so that no further entry comes back. */
  async noteRebuilt(): Promise<void> {
    await this.#options.database.query(`DELETE FROM settings WHERE name = 'lost'`)
  }

  async #check(): Promise<void> {
    const { layout, database, boot = 'unknown' } = this.#options
    const before = await database.run(({ query }) => read(query, 'ledger'))
    if (before === boot) return
    await database.run(({ query }) => dropOtherBoots(query, boot))
    const unknown = await repairLedger(layout, database)
    // The index of these blobs was set aside, or removed by hand.
    if (before === undefined && unknown > 0) await database.run(({ query }) => note(query, 'lost', 'yes'))
    await database.run(({ query }) => note(query, 'ledger', boot))
  }
}

async function read(query: Query, name: string): Promise<string | undefined> {
  const [row] = await query<{ value: string }>('SELECT value FROM settings WHERE name = ?', name)
  return row?.value
}

async function note(query: Query, name: string, value: string): Promise<void> {
  await query('INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value', name, value)
}

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
