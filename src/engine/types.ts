/** What the command line and the server ask of the engine, and what they get. */

import type { CacheStatus } from '../http/cache-status.js'
import type { Fields, Part } from '../http/caching/types.js'
import type { StoredHeaders } from '../http/stored.js'
import type { UpstreamProvider } from '../provider/types.js'
import type { ClusterOptions } from '../flight/cluster.js'
import type { Clock } from '../flight/collaborators.js'
import type { LeaseTimes } from '../flight/lease.js'
import type { ParallelTerms } from '../flight/parallel.js'
import type { Wait } from '../flight/waiting.js'
import type { Figures } from '../store/figures/figures.js'
import type { Intake } from './intake.js'
import type { Entry, OpenBlob, ServedAs, Sha256, VerifyResult } from '../store/types.js'
import type { UpstreamLists, UpstreamOptions } from '../upstream/types.js'
import type { Rule } from './rules/rules.js'
import type { ClusterEngine, EngineStatus, PurgeResult } from './status.js'

export type { Intake } from './intake.js'
export type { ClusterEngine, EngineStatus, NodeState, PurgeResult } from './status.js'
export type { ClusterOptions, Totals } from '../flight/cluster.js'
export type { Clock } from '../flight/collaborators.js'
export { describeNext, describeWait, type Wait } from '../flight/waiting.js'
export { keyIdOf } from '../flight/subject.js'
export type { Download, DownloadState } from '../flight/list.js'
export type { FailureRecord } from '../store/figures/failure-list.js'
export type { VerifyResult } from '../store/types.js'

/** A request as the client sent it. */
export interface WireRequest {
  readonly method: 'GET' | 'HEAD'
  /** Its end-to-end fields, as far as they may go to an origin. */
  readonly fields: Fields
  /** Tells the client an interim answer of the origin (RFC 9110 §15.2). */
  readonly inform?: (status: number, fields: Fields) => void
}

/** The answer of an origin that says itself what is stored and fresh: sent to the client as it is. */
export interface RelayedAnswer {
  readonly status: number
  readonly fields: Fields
  /** Seconds; undefined: it has not been stored. */
  readonly age: number | undefined
  readonly cache: CacheStatus
  /** The content has these bytes of the representation alone. */
  readonly part?: Part | undefined
}

export interface FetchRequest {
  /** As the client wrote it, credentials included. */
  readonly url: URL
  /** Milliseconds. When the request stores: the lifetime. Later: nothing older than this, for this request alone. */
  readonly ttl?: number
  /** Validate now, whatever the age. */
  readonly refresh?: boolean
  /** For URLs whose origin says what is stored (`freshness: origin`). Absent: the artifact is wanted, wherever redirects lead. */
  readonly wire?: WireRequest | undefined
  /** Redirects that led to this URL. */
  readonly hop?: number
  /** Never contact an origin. */
  readonly offline?: boolean
  /** A condition of this reader: lower-case hex. */
  readonly sha256?: Sha256
  /** Headers that the client passes on to the origin, names lower case. What may be passed on is decided here, once. */
  readonly headers?: Readonly<Record<string, string>>
  /** kiss asks for its own needs, for an archive that a client wants a file of: counted nowhere. */
  readonly internal?: boolean
  /** What is asked for is itself a file of sums: no rule asks for its sum. */
  readonly isSum?: boolean
  /** This reader leaves: its waiting and reading end with `interrupted`; a transfer goes on. */
  readonly signal?: AbortSignal
  /** Milliseconds that this reader waits for the headers, and in mid-body for a next byte; default: for ever. */
  readonly patience?: number
  /** Milliseconds that it waits for a place among the downloads, whatever its patience; default: for ever. */
  readonly queuePatience?: number
  /** Called when it waits for a download, with what tells why. */
  readonly onWait?: (waiting: () => Wait) => void
  /** Via of the request (RFC 9110 §7.6.3): a parent sees by it that the request has passed before. */
  readonly via?: string | undefined
  /** Address of the client, for the list of failures. */
  readonly client?: string | undefined
}

/**
 * The bytes of an artifact, finished or growing. Any number of reads at any positions may be under way. Whoever was
 * given a Content closes it.
 */
export interface Content {
  /** Bytes; undefined while nobody knows. */
  readonly length: number | undefined
  /** Every byte is there and agrees with the sum. */
  readonly complete: boolean
  /** Known once complete. */
  readonly sha256: Sha256 | undefined
  /** The whole body, where memory has it; not to be written to. */
  readonly inMemory?: Buffer | undefined
  /**
   * Reads into `buffer` at `position` and resolves with the number of bytes; waits until at least one is there; 0 is the
   * end. Throws KissError when the bytes will never come (`content-changed`, `origin-failed`, `digest-mismatch`, …).
   */
  read(buffer: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

/** How far a download is; for progress bars and the dashboard. */
export interface Progress {
  /** Bytes on disk. */
  readonly received: number
  readonly length: number | undefined
  /** Why nothing arrives at the moment. */
  readonly wait?: Wait
}

/** The answer to a {@link FetchRequest}: headers now, bytes as they arrive. */
export interface Artifact {
  readonly as: ServedAs
  /** Displayable: no userinfo, `?…` for a query. */
  readonly url: string
  readonly headers: StoredHeaders
  /** Present when it is served from the store. */
  readonly entry: Entry | undefined
  readonly private: boolean
  /** For Cache-Status: `authorised` after a probe, `stale-if-error`, `sign-in-page` where that came for the artifact. */
  readonly detail: 'authorised' | 'stale-if-error' | 'sign-in-page' | undefined
  /** What the parent that sends the bytes says: its Cache-Status (RFC 9211), and when the origin confirmed them (milliseconds since the epoch). */
  readonly parent?: { readonly cacheStatus: string | undefined; readonly confirmedAt: number | undefined } | undefined
  /** Where the origin says itself what is stored and fresh. Absent: an artifact, sent as a 200 in kiss's own form. */
  readonly answer?: RelayedAnswer | undefined
  /** The bytes will be (or are) in the store when this has been read to its end. */
  readonly stored: boolean
  readonly content: Content
  progress(): Progress
  /**
   * Resolves when the transfer ended well: with the stored entry, or with undefined where the bytes were whole but not
   * kept; rejects as `content.read` would.
   */
  finished(): Promise<Entry | undefined>
  /** Path of the blob, once finished. */
  path(entry: Entry): string
  /** Counts bytes that went to the reader. */
  sent(bytes: number): void
  /** Closes the content; `aborted` when the reader left or was cut short. */
  close(outcome: 'done' | 'aborted'): Promise<void>
}

/** A hit that was served before, as it is now. */
export interface Again {
  readonly entry: Entry
  /** The whole body; not to be written to. */
  readonly bytes: Buffer
}

/** An entry as it is listed. */
export interface ShownEntry extends Entry {
  /** Milliseconds since the epoch, or Infinity: neither the quota nor a filter removes it before. Absent: it is not pinned. */
  readonly pinnedUntil?: number
}

/** What is known of one entry. */
export interface EntryDetails {
  readonly entry: ShownEntry
  /** The operator's rule for its URL. */
  readonly rule?: Rule | undefined
  /** The other entries that name the same blob. */
  readonly sharing: readonly Entry[]
  /** How often it was served from the store, by day (days since the epoch, UTC). */
  readonly hitsByDay: ReadonlyMap<number, number>
}

/** Which entries an operator means: those that agree with everything that is given. */
export interface PurgeFilter {
  readonly all?: boolean
  readonly urls?: readonly URL[]
  /** Ids of entries, or beginnings of at least 8 characters that no other entry has. */
  readonly ids?: readonly string[]
  readonly stale?: boolean
  /** Milliseconds since stored. */
  readonly olderThan?: number
  /** Milliseconds since last used. */
  readonly unusedFor?: number
  /** Matched against the canonical URL without query; `*` stops at `/`, `**` does not. */
  readonly match?: string
  /** Bytes. */
  readonly largerThan?: number
  readonly dryRun?: boolean
}

/** What `commands` and `server` use. `openEngine` (open.ts) makes one; tests may hand in their own. */
export interface Engine {
  /**
   * Resolves as soon as the answer's headers are known. Throws KissError: what the origin said (`origin-refused` with its
   * own status), `origin-unreachable`, `offline`, `digest-mismatch`, `quota`, `disk`, …
   */
  fetch(request: FetchRequest): Promise<Artifact>
  /**
   * Serves a hit once more: the answer to a request equal to the one for which `fetch` gave this entry as a hit. Counts the
   * request and the use. undefined, and nothing counted, where that is no longer the answer, or memory has no longer its
   * body: ask `fetch`.
   * @param ttl of the request; milliseconds
   */
  again(entry: Entry, ttl: number | undefined): Again | undefined
  /** Counts the bytes of such a hit that went to its reader. */
  sentAgain(entry: Entry, bytes: number): void
  /** In the order of the ids. @param after begins behind this id, whether or not it has an entry */
  list(after?: string): AsyncIterable<ShownEntry>
  /** @param id of the entry, or a beginning of it that is unique; undefined where there is none */
  entry(id: string): Promise<EntryDetails | undefined>
  /** What {@link purge} would remove, in the order of the ids; everything for an empty filter. @param after as for `list` */
  select(filter: PurgeFilter, after?: string): AsyncIterable<ShownEntry>
  /**
   * Keeps what is named by URL or id from eviction and from a purge by filters; resolves with the entries, none for what is
   * not in the cache. @param until milliseconds since the epoch; undefined: for ever
   */
  pin(filter: PurgeFilter, until: number | undefined): Promise<ShownEntry[]>
  /** The body of an entry, to copy it elsewhere; undefined where it is gone. Counts nothing. The caller closes it. */
  open(entry: Entry): Promise<OpenBlob | undefined>
  /** Takes in what did not come from an origin. The caller closes it. */
  intake(): Intake
  /** Ends that. */
  unpin(filter: PurgeFilter): Promise<ShownEntry[]>
  purge(filter: PurgeFilter): Promise<PurgeResult>
  /** Sets the quota of the directory, and evicts what is above it. Bytes; undefined: no quota. */
  setQuota(bytes: number | undefined): Promise<void>
  verify(options?: { readonly rebuild?: boolean }): Promise<VerifyResult>
  status(): Promise<EngineStatus>
  /** Changes what can change while it runs. Throws KissError `usage` for lists that cannot be read; then nothing has changed. */
  reconfigure(options: Pick<EngineOptions, 'quota' | 'rules'> & UpstreamLists): Promise<void>
  /** For dashboard and metrics. */
  readonly figures: Figures
  /** Where this is a node of a cluster. */
  readonly cluster?: ClusterEngine | undefined
  /** Stops transfers so that another process can continue them, flushes, closes. */
  close(): Promise<void>
}

export interface EngineOptions {
  readonly cacheDir: string
  /** Bytes; undefined leaves the directory's quota as it is. */
  readonly quota?: number | undefined
  /** Bytes that the directory may take with what this engine brings; its quota stays as it is. */
  readonly limit?: number | undefined
  /** Milliseconds. */
  readonly defaultTtl?: number
  /** Milliseconds: the longest lifetime that a request may ask for. */
  readonly maxTtl?: number
  /** Milliseconds. */
  readonly staleIfError?: number
  /** Milliseconds since the body last grew, until a transfer gives up. */
  readonly retryFor?: number
  /** Milliseconds without a byte until an attempt is renewed. */
  readonly stallTimeout?: number
  /** Milliseconds that an accepted credential is remembered. */
  readonly authTtl?: number
  /** The key of the hashes of credentials, where several processes share what they know. Never written to the disk. */
  readonly credentialKey?: string
  /** Who asks owns the providers' credentials too, as on a command line: their `share` means nothing. Default false. */
  readonly ownUse?: boolean
  /** Brings blobs to the disk in the background: for a process that stays. Default false. */
  readonly syncBodies?: boolean
  /** Downloads under way or waiting at once; default 2,000. */
  readonly maxTransfers?: number
  /** Ranges in parallel: what differs from the default. */
  readonly parallel?: Partial<ParallelTerms>
  readonly providers?: readonly UpstreamProvider[]
  /** What holds for some URLs; the first that matches decides. */
  readonly rules?: readonly Rule[]
  readonly upstream?: UpstreamOptions
  /** Makes the network ready at once, so that settings it cannot use are told at the start. Default: when it is needed. */
  readonly connectEarly?: boolean
  readonly clock?: Clock
  /** No origin is ever contacted: what is not in the store is `sealed`. */
  readonly sealed?: boolean
  /** Joins a cluster. */
  readonly cluster?: ClusterOptions | undefined
  /** How often owners of transfers show that they live, and how long nobody doubts it; for tests. */
  readonly leaseTimes?: LeaseTimes
  /** Things an operator should know (an index that was set aside), one line each. */
  readonly warn?: (message: string) => void
  /** Told of requests, attempts and decisions, one or several lines each, without secrets; default: nobody is. */
  readonly trace?: (lines: string) => void
}
