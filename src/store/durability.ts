/**
 * What a power loss can do to a blob, and why none is served that it has damaged.
 *
 * A body is renamed into place without a sync, so that nobody waits for the disk: a process crash loses nothing, since
 * the page cache is the kernel's. Until its bytes are known to be on the disk, its entry names the boot in which they were
 * written. In that boot they are good. In a later one the blob is hashed before it is first served, and dropped if the sum is
 * another. A server syncs each blob once, in the background, and takes the mark off: that is the one fsync that a blob costs,
 * and what it buys is that a server need not read its whole cache again after every reboot. `kiss fetch` leaves it out: its
 * user is waiting, and one hash after a reboot is cheaper.
 */

import { open } from 'node:fs/promises'
import { asKissError, systemCode } from '../errors.js'
import type { Database } from './database.js'
import type { Entries } from './entries.js'
import { checkBody } from './hash.js'
import type { Layout } from './layout.js'
import type { Removal } from './removal.js'
import { ENTRIES, ENTRY_SHA256 } from './schema.js'
import type { Entry, Sha256 } from './types.js'

export interface DurabilityOptions {
  readonly layout: Layout
  readonly database: Database
  readonly entries: Entries
  readonly removal: Removal
  /** Identifies this boot. */
  readonly boot: string
  readonly warn: (message: string) => void
}

export class Durability {
  readonly #o: DurabilityOptions
  readonly #checks = new Map<Sha256, Promise<boolean>>()
  #queue: Promise<void> = Promise.resolve()

  constructor(options: DurabilityOptions) {
    this.#o = options
  }

  /** May the blob of this entry be served? Hashes it where a power loss may have damaged it; drops it where one has. */
  async vouch(entry: Entry): Promise<boolean> {
    if (entry.boot === undefined || entry.boot === this.#o.boot) return true
    const running = this.#checks.get(entry.sha256)
    if (running) return running
    const check = this.#check(entry).finally(() => this.#checks.delete(entry.sha256))
    this.#checks.set(entry.sha256, check)
    return check
  }

  async #check({ sha256, size }: Entry): Promise<boolean> {
    const { layout, removal, warn } = this.#o
    const body = await checkBody(layout.blob(sha256), sha256)
    if (body?.whole && body.size === size) {
      await this.#mark(sha256, this.#o.boot)
      // Rare: once a blob after a reboot.
      this.#o.entries.dropMemory()
      return true
    }
    if (body) warn(`dropped the stored body ${sha256}: it was damaged when the machine went down`)
    await removal.removeBlob(sha256, { onlyUnnamed: false })
    return false
  }

  /** Brings a blob to the disk, one after the other, behind everybody's back. */
  sync(sha256: Sha256): void {
    this.#queue = this.#queue
      .then(() => syncFile(this.#o.layout.blob(sha256)))
      .then((synced) => (synced ? this.#mark(sha256, undefined) : undefined))
      .catch((error: unknown) => this.#o.warn(`cannot sync the stored body ${sha256}: ${asKissError(error).message}`))
  }

  /** Resolves when all that sync was asked for is done. */
  settled(): Promise<void> {
    return this.#queue
  }

  /** Where entries still name the blob: a mark never brings one back. */
  async #mark(sha256: Sha256, boot: string | undefined): Promise<void> {
    const value = boot === undefined ? `json_remove(value, '$.value.boot')` : `json_set(value, '$.value.boot', ?2)`
    await this.#o.database.query(
      `UPDATE ${ENTRIES} SET value = ${value} WHERE ${ENTRY_SHA256} = ?1`,
      ...(boot === undefined ? [sha256] : [sha256, boot]),
    )
  }
}

async function syncFile(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'r')
    try {
      await file.datasync()
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}
