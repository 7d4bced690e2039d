/** Open blobs: the readers of a blob share one descriptor; the descriptors of small blobs stay open for the next reader. */

import { type FileBlob, SeenFile } from './blobs.js'
import type { BlobStore, OpenBlob, Sha256, Shared } from './types.js'

/** Descriptors that stay open without a reader. */
const IDLE = 64

/**
 * The largest blob whose descriptor stays open, bytes. The opening of a larger blob is a small part of its cost, and an open
 * descriptor holds the space of a removed file.
 */
const LARGEST = 8 * 1024 * 1024

export interface OpenBlobsOptions {
  /** Opens a file whose bytes are known to be right; undefined if there is none. */
  readonly open: (sha256: Sha256, size: number) => Promise<FileBlob | undefined>
}

export class OpenBlobs implements Pick<BlobStore, 'open'> {
  readonly #open: OpenBlobsOptions['open']
  readonly #held = new Map<Sha256, Held>()
  /** Without readers; the least recently used blob comes first. */
  readonly #idle = new Set<Held>()
  readonly #opening = new Map<string, Promise<Held | undefined>>()
  #isClosed = false

  constructor({ open }: OpenBlobsOptions) {
    this.#open = open
  }

  async open(sha256: Sha256, size: number): Promise<OpenBlob | undefined> {
    const known = this.#held.get(sha256)
    if (known?.seen.isCurrent() === true && known.file.size === size) return this.#use(known)
    const key = `${sha256} ${size}`
    const opening = this.#opening.get(key) ?? this.#hold(sha256, size).finally(() => this.#opening.delete(key))
    this.#opening.set(key, opening)
    const held = await opening
    return held && this.#use(held)
  }

  /**
   * Keeps no descriptor open after its readers, at a removal: it would hold the space of a removed file. That includes those
   * with readers, which may leave before the file is unlinked.
   */
  clear(): void {
    for (const held of this.#held.values()) this.#drop(held)
  }

  close(): void {
    this.#isClosed = true
    this.clear()
  }

  async #hold(sha256: Sha256, size: number): Promise<Held | undefined> {
    const file = await this.#open(sha256, size)
    if (file === undefined) return undefined
    const before = this.#held.get(sha256)
    if (before !== undefined) this.#drop(before)
    const held: Held = { file, seen: new SeenFile(file), shared: file.shared, users: 0 }
    this.#held.set(sha256, held)
    return held
  }

  #use(held: Held): OpenBlob {
    const { file, shared } = held
    held.users++
    this.#idle.delete(held)
    let isClosed = false
    return {
      size: file.size,
      sha256: file.sha256,
      path: file.path,
      shared,
      read: (buffer, position) => file.read(buffer, position),
      close: async () => {
        if (isClosed) return
        isClosed = true
        held.users--
        if (held.users === 0) await this.#leave(held)
      },
    }
  }

  async #leave(held: Held): Promise<void> {
    const { file } = held
    const isKept = this.#held.get(file.sha256) === held
    if (!isKept || this.#isClosed || file.size > LARGEST || !held.seen.isCurrent()) {
      if (isKept) this.#held.delete(file.sha256)
      return file.close()
    }
    this.#idle.add(held)
    const [oldest] = this.#idle
    if (oldest !== undefined && this.#idle.size > IDLE) this.#drop(oldest)
  }

  /** The next reader opens the file again. The present readers read on to their end. */
  #drop(held: Held): void {
    this.#idle.delete(held)
    if (this.#held.get(held.file.sha256) === held) this.#held.delete(held.file.sha256)
    // A failed close loses no data.
    if (held.users === 0) held.file.close().catch(() => undefined)
  }
}

interface Held {
  readonly file: FileBlob
  readonly seen: SeenFile
  readonly shared: Shared
  /** Readers. */
  users: number
}
