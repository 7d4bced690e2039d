/** The interface of the engine to the command line and the server. */

import type { CacheStatus } from '../http/cache-status.js'
import type { Fields, Part } from '../http/caching/types.js'
import type { StoredHeaders } from '../http/stored.js'
import type { UpstreamProvider } from '../provider/types.js'
import type { ClusterOptions } from '../flight/cluster.js'
import type { Clock } from '../clock.js'
import type { LeaseTimes } from '../flight/lease.js'
import type { ParallelTerms } from '../flight/parallel.js'
import type { Wait } from '../flight/waiting.js'
import type { Figures } from '../store/figures/figures.js'
import type { Intake } from './intake.js'
import type { Catalogue, ShownEntry } from './catalogue.js'
import type { Entry, OpenBlob, ServedAs, Sha256, VerifyResult, Shared } from '../store/types.js'
import type { UpstreamLists, UpstreamOptions } from '../upstream/types.js'
import type { Rule } from './rules/rules.js'
import type { ClusterEngine, EngineStatus, PurgeResult } from './status.js'

export type { Intake } from './intake.js'
export { PAGE_SIZE, type Catalogue, type EntryPage, type PageQuery, type ShownEntry, type Viewer } from './catalogue.js'
export type { ClusterEngine, EngineStatus, NodeState, PurgeResult } from './status.js'
export { SENTINEL_URL, type ClusterOptions, type Totals } from '../flight/cluster.js'
export { describeNext, describeWait, type Wait } from '../flight/waiting.js'
export { keyIdOf } from '../flight/subject.js'
export type { Download, DownloadState } from '../flight/list.js'
export type { FailureRecord } from '../store/figures/failure-list.js'
export type { VerifyResult } from '../store/types.js'

/** A request as the client sent it. */
export interface WireRequest {
  readonly method: 'GET' | 'HEAD'
  /** The end-to-end fields that may be sent to an origin. */
  readonly fields: Fields
  /** Sends the client an interim answer of the origin (RFC 9110 §15.2). */
  readonly inform?: (status: number, fields: Fields) => void
}

/** An answer under `freshness: origin`: it is sent to the client with the origin's status and fields. */
export interface RelayedAnswer {
  readonly status: number
  readonly fields: Fields
  /** Seconds; undefined: the answer was not stored. */
  readonly age: number | undefined
  readonly cache: CacheStatus
  /** The range of the representation that the content has. */
  readonly part?: Part | undefined
}

export interface FetchRequest {
  /** As the client wrote it, credentials included. */
  readonly url: URL
  /** Milliseconds. The lifetime if the request stores; otherwise the maximum age for this request alone. */
  readonly ttl?: number
  /** Validate now, at any age. */
  readonly refresh?: boolean
  /** The request as received, for URLs with `freshness: origin`. Absent: only the artifact is wanted, after all redirects. */
  readonly wire?: WireRequest | undefined
  /** Canonical URLs that led to this one by a redirect, as a name or as a file in an archive. */
  readonly through?: readonly string[]
  /** Time of the client's request in milliseconds of `performance.now()`, if another URL led to this one. */
  readonly came?: number
  /** Never contact an origin. */
  readonly offline?: boolean
  /** The sum that this reader requires, lower-case hex. */
  readonly sha256?: Sha256
  /** Headers that the client passes on to the origin, names lower case. The engine decides which of them may be passed. */
  readonly headers?: Readonly<Record<string, string>>
  /** An internal request, for example for the archive of a requested file: it is not counted. */
  readonly internal?: boolean
  /** The URL is itself a file of sums: no rule looks up its sum. */
  readonly isSum?: boolean
  /** Aborted when this reader leaves: its waits and reads end with `interrupted`; the download continues. */
  readonly signal?: AbortSignal
  /** Milliseconds that this reader waits for the headers and for each further byte; default: no limit. */
  readonly patience?: number
  /** Milliseconds that it waits in the queue of downloads, beside `patience`; default: no limit. */
  readonly queuePatience?: number
  /** Called when it waits for a download, with the reason. */
  readonly onWait?: (waiting: () => Wait) => void
  /** Via of the request (RFC 9110 §7.6.3), by which a parent detects a loop. */
  readonly via?: string | undefined
  /** Address of the client, for the list of failures. */
  readonly client?: string | undefined
}

/**
 * The bytes of an artifact, finished or growing. Any number of reads at any positions may be under way. The receiver of a
 * Content closes it.
 */
export interface Content {
  /** Bytes; undefined while unknown. */
  readonly length: number | undefined
  /** Every byte has arrived and agrees with the sum. */
  readonly complete: boolean
  /** Known once complete. */
  readonly sha256: Sha256 | undefined
  /** The whole body, if memory has it; read-only. */
  readonly inMemory?: Buffer | undefined
  /** Absent if the bytes that one reader read cannot be given to another. */
  readonly shared?: Shared
  /**
   * Reads into `buffer` at `position` and resolves with the number of bytes. It waits for at least one byte; 0 is the
   * end. Throws KissError when the bytes will never come (`content-changed`, `origin-failed`, `digest-mismatch`, …).
   */
  read(buffer: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

/** The progress of a download, for progress bars and the dashboard. */
export interface Progress {
  /** Bytes on disk. */
  readonly received: number
  readonly length: number | undefined
  /** The reason why no byte arrives. */
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
  /** For Cache-Status: `authorised` after a probe, `stale-if-error`, `sign-in-page` if such a page came for the artifact. */
  readonly detail: 'authorised' | 'stale-if-error' | 'sign-in-page' | undefined
  /** Of the parent that sends the bytes: its Cache-Status (RFC 9211), and the time of the origin's confirmation (milliseconds since the epoch). */
  readonly parent?: { readonly cacheStatus: string | undefined; readonly confirmedAt: number | undefined } | undefined
  /** The origin's own answer under `freshness: origin`. Absent: an artifact, sent as a 200 in kiss's own form. */
  readonly answer?: RelayedAnswer | undefined
  /** The source of the bytes, if it is not the origin (OriginAnswer.source); `isName` reads it. */
  readonly source?: string | undefined
  /** A name led to this artifact. It may lead to another one before this one is stale. */
  readonly named?: boolean
  /** The bytes are in the store after the last byte was read. */
  readonly stored: boolean
  readonly content: Content
  progress(): Progress
  /**
   * Resolves with the stored entry, or with undefined if the body was complete but not stored. Rejects as `content.read`
   * does.
   */
  finished(): Promise<Entry | undefined>
  /** Path of the blob, once finished. */
  path(entry: Entry): string
  /** Counts bytes that the reader received. */
  sent(bytes: number): void
  /** Closes the content; `aborted` when the reader left or was cut short. */
  close(outcome: 'done' | 'aborted'): Promise<void>
}

/** A repeated hit with its present state. */
export interface Again {
  readonly entry: Entry
  /** The whole body; read-only. */
  readonly bytes: Buffer
  /** Ends the use of `bytes`; called once. */
  readonly close: () => void
}

/** The details of one entry. */
export interface EntryDetails {
  readonly entry: ShownEntry
  /** The operator's rule for its URL. */
  readonly rule?: Rule | undefined
  /** Other entries that name the same blob, a bounded number of them. */
  readonly sharing: readonly Entry[]
  /** There are others beyond these. */
  readonly sharedByMore: boolean
  /** Hits by day (days since the epoch, UTC). */
  readonly hitsByDay: ReadonlyMap<number, number>
}

/** A filter of entries: an entry must satisfy all given conditions. */
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
  /** For `select`: also yields names (store/names.ts). */
  readonly names?: boolean
}

/** The engine as `commands` and `server` use it. `openEngine` (open.ts) makes one. */
export interface Engine {
  /**
   * Resolves as soon as the headers of the answer are known. Throws KissError: `origin-refused` with the status of the
   * origin, `origin-unreachable`, `offline`, `digest-mismatch`, `quota`, `disk`, …
   */
  fetch(request: FetchRequest): Promise<Artifact>
  /**
   * Repeats a hit for a request that is equal to one that `fetch` answered with this entry. Counts the request and the use.
   * undefined, without counting, if the entry is no longer the answer, or its body no longer in memory: call `fetch` then.
   * @param ttl of the request; milliseconds
   */
  again(entry: Entry, ttl: number | undefined): Again | undefined
  /** Counts the bytes of a repeated hit that its reader received. */
  sentAgain(entry: Entry, bytes: number): void
  /** In the order of the ids. @param after begins behind this id, whether or not it has an entry */
  list(after?: string): AsyncIterable<ShownEntry>
  /** @param id of the entry, or a unique prefix of it; undefined if there is no such entry */
  entry(id: string): Promise<EntryDetails | undefined>
  /** The entries that {@link purge} would remove, in the order of their ids; all for an empty filter. @param after as for `list` */
  select(filter: PurgeFilter, after?: string): AsyncIterable<ShownEntry>
  /**
   * Protects the named entries from eviction and from a purge by filters. Resolves with the entries that are in the cache.
   * @param until milliseconds since the epoch; undefined: without an end
   */
  pin(filter: PurgeFilter, until: number | undefined): Promise<ShownEntry[]>
  /** Opens the body of an entry for a copy; undefined if it was removed. Counts nothing. The caller closes it. */
  open(entry: Entry): Promise<OpenBlob | undefined>
  /** Stores entries that did not come from an origin. The caller closes it. */
  intake(): Intake
  /** Removes the pins of the named entries. */
  unpin(filter: PurgeFilter): Promise<ShownEntry[]>
  purge(filter: PurgeFilter): Promise<PurgeResult>
  /** Sets the quota of the directory and evicts down to it. Bytes; undefined: no quota. */
  setQuota(bytes: number | undefined): Promise<void>
  verify(options?: { readonly rebuild?: boolean }): Promise<VerifyResult>
  status(): Promise<EngineStatus>
  /** Applies settings that can change at runtime. Throws KissError `usage` for invalid lists, and changes nothing then. */
  reconfigure(options: Pick<EngineOptions, 'quota' | 'rules'> & UpstreamLists): Promise<void>
  /** The list of entries in pages, for the dashboard. */
  readonly catalogue: Catalogue
  /** The state, for the dashboard and metrics. */
  readonly figures: Figures
  /** The services for other nodes; undefined without a cluster. */
  readonly cluster?: ClusterEngine | undefined
  /** Interrupts downloads so that another process can continue them, flushes and closes. */
  close(): Promise<void>
}

export interface EngineOptions {
  readonly cacheDir: string
  /** Bytes, 0 for no quota; undefined leaves the directory's quota as it is. */
  readonly quota?: number | undefined
  /** Bytes, 0 for none: a limit for the bodies that this engine brings; the quota of the directory stays as it is. */
  readonly limit?: number | undefined
  /** Milliseconds. */
  readonly defaultTtl?: number
  /** Milliseconds: the longest lifetime that a request may ask for. */
  readonly maxTtl?: number
  /** Milliseconds. */
  readonly staleIfError?: number
  /** Milliseconds without growth after which a download gives up. */
  readonly retryFor?: number
  /** Milliseconds without a byte after which an attempt is repeated. */
  readonly stallTimeout?: number
  /** Milliseconds that an accepted credential is remembered. */
  readonly authTtl?: number
  /** The key of the hashes of credentials, for processes that share acceptances. Never written to the disk. */
  readonly credentialKey?: string
  /** The user owns the providers' credentials too, as on a command line: `share` has no effect. Default false. */
  readonly ownUse?: boolean
  /** Syncs blobs in the background, for long-running processes. Default false. */
  readonly syncBodies?: boolean
  /** Downloads under way or waiting at once; default 2,000. */
  readonly maxTransfers?: number
  /** Settings of ranges in parallel that differ from the defaults. */
  readonly parallel?: Partial<ParallelTerms>
  readonly providers?: readonly UpstreamProvider[]
  /** Rules for URLs; the first that matches decides. */
  readonly rules?: readonly Rule[]
  readonly upstream?: UpstreamOptions
  /** Loads the network at once, so that wrong settings are reported at the start. Default: on the first use. */
  readonly connectEarly?: boolean
  readonly clock?: Clock
  /** No origin is ever contacted: a request without an entry fails with `sealed`. */
  readonly sealed?: boolean
  /** Joins a cluster. */
  readonly cluster?: ClusterOptions | undefined
  /** Milliseconds between heartbeats, and of silence until an owner is replaced; for tests. */
  readonly leaseTimes?: LeaseTimes
  /** Receives warnings for the operator (an index that was set aside), one line each. */
  readonly warn?: (message: string) => void
  /** Receives requests, attempts and decisions, one or several lines each, without secrets; for `--verbose`. */
  readonly trace?: (lines: string) => void
}
