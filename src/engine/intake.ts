/** Stores the entries and bodies of a bundle: all of them, or none. */

import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { KissError } from '../errors.js'
import { readJson } from '../store/files.js'
import type { Layout } from '../store/layout.js'
import type { Store } from '../store/open.js'
import { livenessOf, type ProcessIdentity, thisProcess } from '../store/process.js'
import type { Entry, Sha256 } from '../store/types.js'

/** Begins the names of the folders of intakes, beside those of downloads. */
const PREFIX = '.bundle-'
/** The file in such a folder that identifies the process. */
const OWNER = 'owner'

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
  #made: Promise<void> | undefined

  constructor(store: Store) {
    this.#store = store
    this.#folder = join(store.layout.transfers, `${PREFIX}${randomUUID()}`)
  }

  /**
   * Refuses bodies that have no room together, before other bodies are evicted for the first of them.
   * @param bytes of all bodies @throws KissError `quota`, `disk`
   */
  async announce(bytes: number): Promise<void> {
    const reservation = `bundle-${randomUUID()}`
    await this.#store.space.reserve(reservation, bytes, { ahead: 0 })
    await this.#store.space.release(reservation)
  }

  /** Writes a body to a place that no reader sees yet. @throws KissError `digest-mismatch`, `quota`, `disk` */
  async write({ sha256, size }: Arriving, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const reservation = `bundle-${randomUUID()}`
    this.#held.set(sha256, reservation)
    await this.#store.space.reserve(reservation, size)
    await (this.#made ??= this.#makeFolder())
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

  async #makeFolder(): Promise<void> {
    const { directory, file } = this.#store.layout.modes
    await mkdir(this.#folder, directory)
    await writeFile(join(this.#folder, OWNER), JSON.stringify(await thisProcess()), { mode: file })
  }

  #path(sha256: Sha256): string {
    return join(this.#folder, sha256)
  }
}

/** Removes the bodies that killed processes left. Resolves with the paths, relative to the cache directory. */
export async function sweepIntakes({ transfers }: Pick<Layout, 'transfers'>): Promise<string[]> {
  const swept: string[] = []
  for (const name of await readdir(transfers)) {
    if (!name.startsWith(PREFIX)) continue
    // Without an owner it is being made, and has no body.
    const owner = readJson(join(transfers, name, OWNER)) as ProcessIdentity | undefined
    if (owner === undefined || (await livenessOf(owner)) !== 'dead') continue
    await rm(join(transfers, name), { recursive: true, force: true })
    swept.push(join(basename(transfers), name))
  }
  return swept
}
