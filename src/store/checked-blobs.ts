/**
 * Opens blobs whose bytes are known to have the sum in their name.
 *
 * A hash of every blob at every hit would be too slow. The ledger therefore keeps a stamp of each file whose sum is known:
 * inode, size, time of the last write and of the last change. A blob with another stamp was replaced or written to by
 * another program, or the ledger was lost: it is hashed before it is served, and dropped if its sum differs.
 *
 * A power loss can damage a file without a trace in its stamp, because a body is renamed into place before it is synced.
 * The stamp therefore names the boot in which the body was written, until the body is known to be on the disk. A server syncs
 * each blob in the background and removes that mark; `kiss fetch` does not, since one hash after a reboot is cheaper. A blob
 * that cannot be brought to the disk is dropped.
 */

import { open } from 'node:fs/promises'
import { asKissError, systemCode } from '../errors.js'
import type { FileBlob, FileBlobs } from './blobs.js'
import { Batch } from './index/batch.js'
import type { Database } from './index/database.js'
import { sumOf } from './hash.js'
import { LruMap } from './lru.js'
import type { Removal } from './removal.js'
import type { Sha256 } from './types.js'

/** Stamps kept in memory; one takes about 200 bytes. */
const MEMORY_LIMIT = 50_000

export interface CheckedBlobsOptions {
  readonly database: Database
  readonly blobs: FileBlobs
  readonly removal: Removal
  /** Identifies this boot. */
  readonly boot: string
  readonly warn: (message: string) => void
}

export class CheckedBlobs {
  readonly #o: CheckedBlobsOptions
  /** Stamps under which this process knows a blob to be whole. They stay true: a changed file has another stamp. */
  readonly #known: LruMap<Sha256, string>
  readonly #checks = new Map<string, Promise<boolean>>()
  readonly #stamps: Batch<string, never>
  #queue: Promise<void> = Promise.resolve()

  constructor(options: CheckedBlobsOptions) {
    this.#o = options
    this.#known = new LruMap(MEMORY_LIMIT)
    this.#stamps = new Batch(options.database, async ({ query }, stamps) => {
      await query(
        'UPDATE blobs SET stamp = given.value, boot = ?2 FROM json_each(?1) AS given WHERE sha256 = given.key',
        JSON.stringify(Object.fromEntries(stamps)),
        options.boot,
      )
      return new Map<string, never>()
    })
  }

  /** undefined if there is no blob of `size` bytes, or if its bytes have another sum; the blob is dropped then. */
  async open(sha256: Sha256, size: number): Promise<FileBlob | undefined> {
    const blob = await this.#o.blobs.open(sha256, size)
    if (blob === undefined) return undefined
    try {
      if ((await this.#isKnown(blob)) || (await this.#check(blob))) return blob
    } catch (error) {
      await blob.close()
      throw error
    }
    await blob.close()
    this.#o.warn(`dropped the stored body ${sha256}: its bytes are not what they were`)
    await this.#o.removal.removeBlob(sha256, { onlyUnnamed: false })
    return undefined
  }

  /** Remembers the file of this stamp as whole: its sum was computed from the bytes that were written, or read again. */
  async record(sha256: Sha256, stamp: string): Promise<void> {
    await this.#stamps.add(sha256, stamp)
    this.#known.set(sha256, stamp)
  }

  /** Brings a blob to the disk, one after the other, in the background. */
  sync(sha256: Sha256): void {
    this.#queue = this.#queue
      .then(() => this.#sync(sha256))
      .catch((error: unknown) => this.#o.warn(`cannot sync the stored body ${sha256}: ${asKissError(error).message}`))
  }

  /** Resolves when every requested sync has ended. */
  settled(): Promise<void> {
    return this.#queue
  }

  async #isKnown({ sha256, stamp }: FileBlob): Promise<boolean> {
    if (this.#known.get(sha256) === stamp) return true
    const [row] = await this.#o.database.query(
      'SELECT 1 FROM blobs WHERE sha256 = ?1 AND stamp = ?2 AND (boot IS NULL OR boot = ?3)',
      sha256,
      stamp,
      this.#o.boot,
    )
    if (row !== undefined) this.#known.set(sha256, stamp)
    return row !== undefined
  }

  /** Hashes the open file, once for all that have opened it meanwhile. */
  #check(blob: FileBlob): Promise<boolean> {
    const key = `${blob.sha256} ${blob.stamp}`
    const running = this.#checks.get(key)
    if (running) return running
    const check = this.#hash(blob).finally(() => this.#checks.delete(key))
    this.#checks.set(key, check)
    return check
  }

  async #hash(blob: FileBlob): Promise<boolean> {
    const sum = await sumOf((buffer, position) => blob.read(buffer, position))
    if (sum !== blob.sha256) return false
    await this.record(blob.sha256, blob.stamp)
    return true
  }

  async #sync(sha256: Sha256): Promise<void> {
    const path = this.#o.blobs.path(sha256)
    try {
      const file = await open(path, 'r')
      try {
        await file.datasync()
      } finally {
        await file.close()
      }
    } catch (error) {
      // Removed meanwhile.
      if (systemCode(error) === 'ENOENT') return
      if (isLoss(error)) await this.#o.removal.removeBlob(sha256, { onlyUnnamed: false })
      throw error
    }
    await this.#o.database.query('UPDATE blobs SET boot = NULL WHERE sha256 = ?', sha256)
  }
}

/** The disk did not take all bytes: the file has others as soon as the system needs the memory that still holds them. */
function isLoss(error: unknown): boolean {
  return ['EIO', 'ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '')
}
