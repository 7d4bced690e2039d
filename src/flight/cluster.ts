/**
 * The interface between a download and the other nodes of a cluster. It is unused on a single machine.
 *
 * The process that holds the lease of its directory begins a {@link SharedDownload}. It finds out whether another node stores
 * or downloads the body, and answers with the bytes of that node, as an origin does. Otherwise it takes the lease of the
 * cluster and passes the request on to the network.
 */

import type { StoredHeaders } from '../http/stored.js'
import type { Access, Counts, Entry, Sha256 } from '../store/types.js'
import type { OriginAnswer, Origins } from '../upstream/types.js'
import type { Loan } from './directory.js'
import type { Ending } from './ending.js'
import type { Order } from './subject.js'

export interface Cluster {
  /**
   * undefined if the order is not shared with other nodes.
   *
   * @param lend called before the origin is asked, with the lease under which other nodes may have the bytes
   */
  begin(order: Order, lend: (loan: Loan) => Promise<void>): SharedDownload | undefined
}

export interface SharedDownload {
  /** Asks the other nodes, then the network. Throws an error with the code `ERR_MOVED` if another node continues the download. */
  over(origins: Origins): Origins
  /** Takes the lease of the cluster for bytes of the origin that are on disk already; false if another node holds it. */
  claim(): Promise<boolean>
  /** Reports the ending to the cluster, after the answer to the client. @param entry the entry that was stored or renewed */
  end(ending: Ending, entry: Entry | undefined): void
}

/** The description of lent bytes, beside the headers of the origin. */
export interface Told {
  /** A hash of the final URL with a key that all nodes share. */
  readonly resource: string | undefined
  /** The credential under which the bytes may be stored here. */
  readonly access: Access
  /** Milliseconds. */
  readonly lifetime: number
  /** The entry of the node, where the body is stored there: its times are those of the copy. */
  readonly entry: Entry | undefined
  /** After the last byte: the sum of the whole. */
  readonly sum: () => Sha256 | undefined
}

/** An answer of another node. A 304 says that the node has validated the entry meanwhile. */
export interface PeerAnswer extends OriginAnswer {
  readonly told: Told
}

export function toldBy(answer: OriginAnswer): Told | undefined {
  return 'told' in answer ? (answer as PeerAnswer).told : undefined
}

/** The part of an entry that says how old it is. */
export type Times = Pick<Entry, 'storedAt' | 'validatedAt' | 'staleAt' | 'lifetime' | 'unverified'>

export function timesOf({ storedAt, validatedAt, staleAt, lifetime, unverified }: Entry): Times {
  return { storedAt, validatedAt, staleAt, lifetime, unverified }
}

/** The description that a node sends beside the bytes. JSON. */
export interface About {
  readonly headers: StoredHeaders
  /** Bytes; absent while unknown. */
  readonly length?: number | undefined
  readonly ranges: boolean
  readonly resource?: string | undefined
  /** The mirror or parent whose validators these are. */
  readonly source?: string | undefined
  /** Displayable. */
  readonly url: string
  readonly access: Access
  /** Milliseconds. */
  readonly lifetime: number
  /** Where the body is stored. */
  readonly entry?: Entry | undefined
}

/**
 * Redis behind Sentinels: `redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]...]/NAME`, or `rediss+sentinel://`. Groups:
 * scheme of Redis, credential of Redis with its `@`, the Sentinels, and the name of the master.
 */
export const SENTINEL_URL = /^(rediss?)\+sentinel:\/\/([^@/]*@)?([^@/]+)\/([\w.-]+)$/

export interface ClusterOptions {
  /** Of Redis or Valkey: `redis://`, `rediss://`, or as {@link SENTINEL_URL} says. */
  readonly redis: string
  /** Nodes with the same name form one cluster. */
  readonly name: string
  /** The URL under which the other nodes reach this one. */
  readonly nodeUrl: string
  /** The tokens of the nodes. The first is sent to other nodes; each of them is accepted. */
  readonly tokens: readonly string[]
  /** Nodes that follow each download, the one that downloads included. */
  readonly copies: number
  /** PEM file with authorities to trust beside the usual ones. */
  readonly caFile?: string | undefined
  readonly version: string
  /** Milliseconds that a lease lives without a renewal; for tests. */
  readonly lifetime?: number | undefined
}

/** Sizes and counts, of one node or of all together; bytes. */
export interface Totals {
  readonly counts: Counts
  /** `logical` counts a body once for each entry that names it. */
  readonly usage: { readonly blobs: number; readonly reserved: number; readonly logical: number }
  /** undefined: no quota. */
  readonly quota?: number | undefined
  readonly counted: number
  readonly entries: number
  readonly pinned: { readonly entries: number; readonly bytes: number }
  readonly scheduled: number
  readonly downloading: number
  readonly failures: number
  /** Connections that bring ranges in parallel. */
  readonly segments: number
}
