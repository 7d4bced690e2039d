/** Small values that survive a restart, by name, in the table of the settings of the directory. */

import type { Database } from './index/database.js'

export class Notes {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async get(name: string): Promise<string | undefined> {
    const [row] = await this.#database.query<{ value: unknown }>('SELECT value FROM settings WHERE name = ?', name)
    return row === undefined ? undefined : String(row.value)
  }

  async set(name: string, value: string): Promise<void> {
    await this.#database.query(
      'INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      name,
      value,
    )
  }
}
