/** Reads one file out of a zip archive, and refuses archives that are built to do harm. */

import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { fromRandomAccessReaderPromise, RandomAccessReader, type Entry, type ZipFile } from 'yauzl'
import { KissError } from '../errors.js'

/** A file of a known length that is complete. */
export interface ArchiveFile {
  /** Bytes. */
  readonly length: number
  /** Resolves with the number of bytes; 0 at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>
}

export interface ArchiveMember {
  /** Bytes. */
  readonly length: number
  /** Throws KissError where the bytes do not have the length and the CRC-32 that the archive says, before the last chunk. */
  read(): AsyncGenerator<Buffer>
}

/** Bytes read at once. */
const CHUNK = 256 * 1024

/** Entries of one archive: its directory is read on each request, and 100,000 take half a second. */
const MAX_ENTRIES = 1_000_000

/**
 * A member that inflates to more than this many times its size, and to more than {@link BOMB_SIZE} bytes, is refused.
 * Deflate reaches 1,032 at most, with nothing but equal bytes; disk images that are mostly empty stay below 100.
 */
const BOMB_RATIO = 200
const BOMB_SIZE = 10 * 1024 * 1024

const STORED = 0
const DEFLATED = 8

/**
 * Finds the member of this path. Throws KissError `origin-refused` (404) where there is none, and `origin-failed` for an
 * archive that is damaged or hostile: entries that overlap, absolute names, names twice, bombs, encryption, other methods
 * of compression.
 * @param shown the archive's URL, for messages
 */
export async function openMember(file: ArchiveFile, path: string, shown: string): Promise<ArchiveMember> {
  const hostile = (why: string, cause?: unknown): KissError =>
    new KissError('origin-failed', `cannot read the archive ${shown}: ${why}`, { cause })
  const damaged = (error: unknown): KissError =>
    error instanceof KissError ? error : hostile(error instanceof Error ? error.message : String(error), error)
  const zip = await fromRandomAccessReaderPromise(new Reader(file), file.length, {
    lazyEntries: true,
    autoClose: false,
  }).catch((error: unknown) => Promise.reject(damaged(error)))
  const entry = await find(zip, path, file.length).catch((error: unknown) => Promise.reject(damaged(error)))
  if (entry === undefined) {
    throw new KissError('origin-refused', `the archive ${shown} has no file ${path}`, { status: 404 })
  }
  const refusal = refusalOf(entry)
  if (refusal !== undefined) throw hostile(`${path} ${refusal}`)
  return {
    length: entry.uncompressedSize,
    async *read() {
      const stream = await zip.openReadStreamPromise(entry).catch((error: unknown) => Promise.reject(damaged(error)))
      let sum = 0
      let held: Buffer | undefined
      try {
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          if (held !== undefined) yield held
          sum = crc32(chunk, sum)
          held = chunk
        }
      } catch (error) {
        throw damaged(error)
      }
      if (sum !== entry.crc32) throw hostile(`${path} does not have the CRC-32 that the archive says`)
      if (held !== undefined) yield held
    },
  }
}

async function find(zip: ZipFile, path: string, length: number): Promise<Entry | undefined> {
  if (zip.entryCount > MAX_ENTRIES) throw new Error(`it has ${zip.entryCount} entries; kiss reads ${MAX_ENTRIES}`)
  // Before the first entry it is at the start of the directory. The types call it a boolean.
  const directory = Number(zip.readEntryCursor)
  let found: Entry | undefined
  const places: { readonly start: number; readonly end: number }[] = []
  // yauzl refuses absolute names, `..` and sizes that contradict each other.
  for await (const entry of zip.eachEntry()) {
    const start = entry.relativeOffsetOfLocalHeader
    // APPNOTE.TXT 4.3.7: a local header has 30 bytes and the name, which extra fields may follow.
    places.push({ start, end: start + 30 + entry.fileNameLength + entry.compressedSize })
    if (entry.fileName !== path) continue
    if (found !== undefined) throw new Error(`it has two files named ${path}`)
    found = entry
  }
  places.sort((a, b) => a.start - b.start)
  let end = 0
  for (const place of places) {
    if (place.start < end) throw new Error('its entries overlap')
    end = place.end
  }
  if (end > Math.min(directory, length)) throw new Error('its entries reach into its directory, or beyond its end')
  return found
}

function refusalOf(entry: Entry): string | undefined {
  const { compressedSize, uncompressedSize, compressionMethod } = entry
  if (entry.isEncrypted()) return 'is encrypted'
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED) {
    return `is compressed with method ${compressionMethod}; kiss reads stored and deflated files`
  }
  // The file type of Unix in the upper half of the attributes: S_IFMT, S_IFLNK.
  if (((entry.externalFileAttributes >>> 16) & 0o170000) === 0o120000) return 'is a symbolic link'
  if (uncompressedSize > BOMB_SIZE && uncompressedSize > compressedSize * BOMB_RATIO) {
    return `is a bomb: ${compressedSize} bytes that inflate to ${uncompressedSize}`
  }
  return undefined
}

/** yauzl asks for the directory in pieces of some 50 bytes: they are cut from a block in memory. */
class Reader extends RandomAccessReader {
  #block: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) }

  constructor(private readonly file: ArchiveFile) {
    super()
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.#cut(position, length).then(
      (bytes) => {
        bytes.copy(buffer, offset)
        callback(null)
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
    )
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#chunks(start, end), { objectMode: false })
  }

  async #cut(position: number, length: number): Promise<Buffer> {
    const { start, bytes } = this.#block
    if (position < start || position + length > start + bytes.length) {
      const size = Math.min(Math.max(length, CHUNK), this.file.length - position)
      this.#block = { start: position, bytes: await this.#whole(position, size) }
    }
    const from = position - this.#block.start
    return this.#block.bytes.subarray(from, from + length)
  }

  async #whole(start: number, size: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const part of this.#chunks(start, start + size)) parts.push(part)
    return Buffer.concat(parts)
  }

  async *#chunks(start: number, end: number): AsyncGenerator<Buffer> {
    for (let position = start; position < end;) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end - position))
      const bytes = await this.file.read(buffer, position)
      if (bytes === 0) throw new Error('it is shorter than its directory says')
      position += bytes
      yield buffer.subarray(0, bytes)
    }
  }
}
