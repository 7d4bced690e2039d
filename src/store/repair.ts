/** Brings the ledger of bytes in line with the files that are there. */

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../errors.js'
import type { Query } from './connection.js'
import type { Database } from './database.js'
import type { Layout } from './layout.js'
import type { Sha256 } from './types.js'

const BLOB_NAME = /^[0-9a-f]{64}$/

/** The names in every folder below `blobs/`, folder by folder. */
export async function* blobFolders(layout: Layout): AsyncIterable<{ folder: string; names: string[] }> {
  for (const folder of await namesIn(layout.blobs)) {
    const path = join(layout.blobs, folder)
    yield { folder: path, names: await namesIn(path) }
  }
}

/** Whether a file of that name in that folder is where the blob of that sum belongs. */
export function isBlobName(layout: Layout, folder: string, name: string): name is Sha256 {
  return BLOB_NAME.test(name) && layout.blob(name) === join(folder, name)
}

/** Sorted; empty where the folder has gone or is none. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return []
    throw error
  }
}

/** Bytes; undefined where there is no such file. */
export async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Files that the ledger does not know are counted, rows without a file struck, and wrong sizes corrected. Rows that a
 * transfer claims or that somebody is removing are left: they are about to change.
 */
export async function repairLedger(layout: Layout, database: Database, now: number): Promise<void> {
  const rows = await database.query<{ sha256: Sha256; size: number }>('SELECT sha256, size FROM blobs')
  const known = new Map(rows.map((row) => [row.sha256, row.size]))
  for await (const { folder, names } of blobFolders(layout)) {
    for (const name of names) {
      if (!isBlobName(layout, folder, name)) continue
      if (!known.delete(name)) await count(layout, database, name, now)
    }
  }
  // What is left had no file when its folder was read; it may have one by now.
  for (const sha256 of known.keys()) {
    if ((await fileSize(layout.blob(sha256))) === undefined) await strikeIfUnclaimed(database, sha256)
  }
}

/** Writes down the true size of a blob that the ledger misses, or has wrong. */
export async function count(layout: Layout, database: Database, sha256: Sha256, now: number): Promise<void> {
  const size = await fileSize(layout.blob(sha256))
  if (size === undefined) return
  await database.query(
    `INSERT INTO blobs (sha256, size, last_used) VALUES (?1, ?2, ?3)
      ON CONFLICT (sha256) DO UPDATE SET size = ?2 WHERE size <> ?2`,
    sha256,
    size,
    now,
  )
  // Removed between the look and the row: nobody else would strike it.
  if ((await fileSize(layout.blob(sha256))) === undefined) await strikeIfUnclaimed(database, sha256)
}

async function strikeIfUnclaimed(database: Database, sha256: Sha256): Promise<void> {
  await database.query(
    `DELETE FROM blobs WHERE sha256 = ?1 AND doomed IS NULL AND ?1 NOT IN (
      SELECT sha256 FROM reservations WHERE sha256 IS NOT NULL)`,
    sha256,
  )
}

export interface LedgerCheckOptions {
  readonly layout: Layout
  readonly database: Database
  readonly clock: { now(): number }
  /** Identifies this boot; undefined: only a new index makes a look at the disk necessary. */
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
    options.database.onReplaced(() => {
      this.#checked = undefined
    })
  }

  /** False since the index was replaced, until the next {@link ensure}. */
  get done(): boolean {
    return this.#checked !== undefined
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

  async #check(): Promise<void> {
    const { layout, database, clock, boot = 'unknown' } = this.#options
    const [row] = await database.query<{ value: string }>(`SELECT value FROM settings WHERE name = 'ledger'`)
    if (row?.value === boot) return
    await repairLedger(layout, database, clock.now())
    await database.run(({ query }) => noteBoot(query, boot))
  }
}

async function noteBoot(query: Query, boot: string): Promise<void> {
  await query(`INSERT INTO settings VALUES ('ledger', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, boot)
}
