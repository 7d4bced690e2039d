/** Knows when the ledger of bytes may be wrong, and whether entries were lost with an index. */

import type { Query } from './index/connection.js'
import type { Database } from './index/database.js'
import type { Layout } from './layout.js'
import { dropOtherBoots } from './ledger.js'
import { repairLedger } from './repair.js'

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
