/** The types of the store, and the interfaces that it implements. */

import type { StoredAnswer } from '../http/caching/types.js'
import type { StoredHeaders } from '../http/stored.js'

/** Lower-case hex of the SHA-256 of a body; the name of a blob. */
export type Sha256 = string

/**
 * What identifies one content on disk and in the index: lower-case hex of the SHA-256 of the canonical URL. The URL itself
 * is not the name because it is too long for one, and because its query may hold secrets. One URL may have
 * several contents (representations, or bytes for one credential alone): their ids are that hash, `-` and another one.
 */
export type KeyId = string

/** The credential that brought the bytes of a body: none (`public`), that of a client, or that of the provider. */
export type Access = 'public' | 'client' | 'provider'

/** The record of one key. Plain JSON: the index and the files beside the blobs contain it in this form. */
export interface Entry {
  readonly id: KeyId
  /** The canonical URL in its displayable form: without userinfo and fragment, `?…` where it has a query. */
  readonly url: string
  readonly sha256: Sha256
  /** Bytes. */
  readonly size: number
  readonly headers: StoredHeaders
  /** The source that gave the bytes, and whose validators these are; absent: the origin itself. */
  readonly source?: string | undefined
  /** A keyed hash of the final URL, whose validators these are. Absent in entries of older versions. */
  readonly resource?: string | undefined
  /** Milliseconds since the epoch: when the bytes were stored. */
  readonly storedAt: number
  /** Milliseconds since the epoch: when the origin last confirmed them; storedAt at first. */
  readonly validatedAt: number
  /** Milliseconds since the epoch: from here on the entry is stale. */
  readonly staleAt: number
  /** Milliseconds: the lifetime that the storing request asked for; a validation renews the entry by it. */
  readonly lifetime: number
  /** Milliseconds since the epoch. */
  readonly lastUsedAt: number
  /** How often it was served from the store. */
  readonly hits: number
  /** Its bytes came with a client's credential. */
  readonly private: boolean
  /** Absent in entries of older versions, which noted no more than `private`. */
  readonly access?: Access | undefined
  /** The body had no announced length and no promised sum: nothing but the connection's end said that it was whole. */
  readonly unverified: boolean
  /** The answer of an origin that says itself what is stored and fresh (`freshness: origin`). Absent: an artifact, as a 200. */
  readonly answer?: StoredAnswer | undefined
}

export interface EntryStore {
  get(id: KeyId): Promise<Entry | undefined>
  /** As get, but always from the index: the news of a change in another process may not have arrived yet. */
  reload(id: KeyId): Promise<Entry | undefined>
  /** Resolves when the index has it. Replaces an entry of that id; never lets `hits` and `lastUsedAt` go backwards. */
  set(entry: Entry): Promise<void>
  /**
   * As {@link set}, but only where an entry of that id names the same blob: an entry that was purged or replaced during the
   * validation does not come back. False if there is none.
   */
  renew(entry: Entry): Promise<boolean>
  /** False if there was none, or if it names another blob than `sha256` because it was replaced meanwhile. */
  delete(id: KeyId, sha256?: Sha256): Promise<boolean>
  /** Notes a use: at once in memory, within a second in the index. */
  touch(id: KeyId, now: number): void
  /**
   * Every entry in the order of the ids, pending touches included. Entries that change meanwhile may show either state.
   *
   * @param after begins behind this id, whether or not it has an entry
   */
  list(after?: KeyId): AsyncIterable<Entry>
  /** Is there an entry that names this blob? */
  isNamed(sha256: Sha256): Promise<boolean>
}

/** A body whose readers can share the bytes that one of them read. */
export interface Shared {
  /** Bodies with the same source have the same byte at each position. */
  readonly source: object
  /** Waits for the byte at `position` and returns the number of bytes that can be read there; 0 is the end. Throws as `read`. */
  arrived(position: number): number | Promise<number>
  /** Reads bytes that have arrived. It fails only if the body does: the end of one reader must not fail the other readers. */
  read(buffer: Uint8Array, position: number): Promise<number>
  /** Lends a descriptor of the file that has the bytes at these positions: it stays open until `work` has ended. */
  withFile?<T>(work: (fd: number) => Promise<T>): Promise<T>
}

/** A finished body, open for reading: it stays readable when the blob is unlinked. */
export interface OpenBlob {
  readonly size: number
  readonly sha256: Sha256
  readonly path: string
  /** The whole body, where memory has it; not to be written to. */
  readonly inMemory?: Buffer
  readonly shared: Shared
  /** Reads at `position`; 0 at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

export interface BlobStore {
  /** undefined if there is no such blob, or if its size is not `size`: the caller drops the entry. */
  open(sha256: Sha256, size: number): Promise<OpenBlob | undefined>
  path(sha256: Sha256): string
  /**
   * Renames a finished file of the same file system into place, read-only, over an older blob of that name. The caller has
   * computed the sum. It also succeeds if the file became the blob before (its process was killed after that). Resolves with
   * the stamp of the file (checked-blobs.ts).
   */
  adopt(file: string, sha256: Sha256): Promise<string>
  /** Writes an entry of the blob beside it (atomically), for the day the index is lost. */
  describe(entry: Entry): Promise<void>
  /** Removes the descriptions of these entries. */
  undescribe(sha256: Sha256, ids: Iterable<KeyId>): Promise<void>
  /** Unlinks the blob; false if there was none. */
  remove(sha256: Sha256): Promise<boolean>
}

/** By how a body went to a reader. */
export const servedKinds = ['hit', 'collapsed', 'miss', 'revalidated', 'stale'] as const
export type ServedAs = (typeof servedKinds)[number]

export const counterNames = [
  /** Body bytes that arrived over the network, those of failed attempts included; and which of them came from elsewhere than the origin. */
  'downloaded',
  'downloaded_mirror',
  'downloaded_parent',
  /** Body bytes that came from other nodes of the cluster, and those that went to them: neither downloaded nor served. */
  'filled',
  'lent',
  /** Body bytes sent to readers, by how they were served. Their sum is the upload. */
  'served_hit',
  'served_miss',
  'served_collapsed',
  'served_revalidated',
  'served_stale',
  /** Of the bytes above, those sent to readers that left, or were cut short, before the end. */
  'served_aborted',
  /** Requests of the fetch endpoint, or URLs of `kiss fetch`. */
  'requests',
  'requests_hit',
  'requests_miss',
  'requests_collapsed',
  'requests_revalidated',
  'requests_stale',
  /** Requests that ended in an error before the first byte. */
  'requests_failed',
  /** Transfers that ended with a stored body, and those that failed for good. */
  'successes',
  'failures',
] as const

export type CounterName = (typeof counterNames)[number]
export type Counts = Readonly<Record<CounterName, number>>

export interface Counters {
  /** At once in memory, within a second on disk. */
  add(name: CounterName, n: number): void
  /** What every process on this directory has counted, own unflushed counts included. */
  read(): Promise<Counts>
}

export interface ReserveOptions {
  /** Bytes that may be written now; default: all. */
  readonly ahead?: number
  /** Bytes that are on the disk already; default: none. */
  readonly held?: number
}

/**
 * The byte budget of one cache directory, shared by all its processes. Blobs and reservations together never exceed the
 * quota. Reservations belong to a key: the process that continues a transfer takes its reservation over.
 */
export interface Space {
  /** undefined: no quota. */
  quota(): Promise<number | undefined>
  /** Evicts at once the blobs that exceed it. */
  setQuota(bytes: number | undefined): Promise<void>
  /**
   * Reserves `bytes` under `id`, in place of an earlier reservation, and grants `ahead` of them; evicts the least recently used
   * blobs if necessary. Throws KissError `quota` or `disk` if an empty cache or disk could not hold the body (nothing is evicted
   * then), or if the downloads in flight leave no room. Resolves with the quota.
   */
  reserve(id: string, bytes: number, options?: ReserveOptions): Promise<number | undefined>
  /**
   * A reservation turns into a blob of `size` bytes, which no process evicts until the entry `id` names it. Called before the file
   * is adopted, so that no file is uncounted. Counts a blob that is there already once. `reservation`: its id, where that is
   * not the entry's.
   */
  commit(id: KeyId, sha256: Sha256, size: number, reservation?: string): Promise<void>
  /** Gives a reservation back; no error where there is none. */
  release(id: KeyId): Promise<void>
  /** Bytes of bodies and of reservations. */
  usage(): Promise<{ readonly blobs: number; readonly reserved: number }>
  /** Bytes that count for the quota: blocks of bodies, entries, and what downloads may write. */
  counted(): Promise<number>
  /** Evicts at least `bytes` if possible, without regard to the quota; resolves with the freed bytes. */
  evict(bytes: number): Promise<number>
  /** The disk is full: evicts for a write of `bytes`, once for many at a time. True if the write may be repeated. */
  relieve(bytes: number): Promise<boolean>
}

/** The findings of a check of every stored byte. */
export interface VerifyResult {
  readonly checked: number
  /** sha256 of blobs whose bytes had another sum than their name; dropped. */
  readonly damaged: readonly string[]
  /** Paths, relative to the cache directory, of files that no entry named; removed. */
  readonly orphans: readonly string[]
  /** URLs of entries whose blob was missing; dropped. */
  readonly dangling: readonly string[]
}
