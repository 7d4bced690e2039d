/** Stores the entries and bodies of a bundle: all of them, or none. */

import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { KissError } from '../errors.js'
import type { Store } from '../store/open.js'
import type { Entry, Sha256 } from '../store/types.js'

/** The bytes of a body with the announced sum and length. */
export interface Arriving {
  readonly sha256: Sha256
  /** Bytes. */
  readonly size: number
}

export class Intake {
  readonly #store: Store
  readonly #folder: string
  /** Reservations of space that are held, by sum. */
  readonly #held = new Map<Sha256, string>()

  constructor(store: Store) {
    this.#store = store
    this.#folder = join(store.layout.transfers, `.bundle-${randomUUID()}`)
  }

  /** Writes a body to a place that no reader sees yet. @throws KissError `digest-mismatch`, `quota`, `disk` */
  async write({ sha256, size }: Arriving, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const reservation = `bundle-${randomUUID()}`
    this.#held.set(sha256, reservation)
    await this.#store.space.reserve(reservation, size)
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const hash = createHash('sha256')
    let bytes = 0
    const file = await open(this.#path(sha256), 'wx')
    try {
      for await (const chunk of chunks) {
        bytes += chunk.length
        if (bytes > size) break
        hash.update(chunk)
        await file.writeFile(chunk)
      }
    } finally {
      await file.close()
    }
    const sum = hash.digest('hex')
    if (bytes < size)
      throw new KissError('digest-mismatch', `the body ${sha256} is cut: ${bytes} of ${size} bytes are there`)
    if (bytes !== size || sum !== sha256)
      throw new KissError('digest-mismatch', `the body ${sha256} is not what its name says`)
  }

  /** Stores the entries whose bodies were written. Present entries that were confirmed later stay. Resolves with the number of new ones. */
  async commit(entries: readonly Entry[]): Promise<number> {
    let stored = 0
    for (const entry of entries) {
      const known = await this.#store.entries.get(entry.id)
      if (known !== undefined && known.validatedAt >= entry.validatedAt) continue
      const reservation = this.#held.get(entry.sha256)
      this.#held.delete(entry.sha256)
      const how = reservation === undefined ? {} : { reservation }
      if (await this.#store.publish(this.#path(entry.sha256), entry, how)) stored++
    }
    return stored
  }

  /** Removes the bodies that were not stored. */
  async close(): Promise<void> {
    for (const reservation of this.#held.values()) await this.#store.space.release(reservation)
    await rm(this.#folder, { recursive: true, force: true })
  }

  #path(sha256: Sha256): string {
    return join(this.#folder, sha256)
  }
}
