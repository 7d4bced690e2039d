/** One key to be downloaded: what a transfer is told by the request that starts it. */

import { isStrong } from '../http/validation.js'
import type { Head } from './directory.js'
import type { Entry, KeyId, Sha256 } from '../store/types.js'
import type { Lane, OriginAnswer, Relay } from '../upstream/types.js'
import { aloneIdOf, type Subject } from './subject.js'

export interface Order extends Omit<Subject, 'share'> {
  /** Milliseconds. */
  readonly lifetime: number
  /** Milliseconds: the lifetime of an entry that is confirmed, where a rule says it; default: its own. */
  readonly renewal?: number | undefined
  /** Milliseconds: nothing older than this, as the request that starts it asks; a parent heeds it. */
  readonly ttl?: number | undefined
  /** The entry to validate. */
  readonly stale: Entry | undefined
  /** The entry whose content this client is known not to be given: not validated, but replaced. */
  readonly replaces?: Entry | undefined
  /** Is a stored entry of another node as young as the request wants it? */
  readonly accepts?: ((entry: Entry) => boolean) | undefined
  /** Ask the origin although it failed a moment ago. */
  readonly insists?: boolean | undefined
  /** The sum that the starting reader was promised: it can prove that a body without a length is whole. */
  readonly promised: Sha256 | undefined
  /** Via of the request that starts it. */
  readonly via?: string | undefined
  /** Address of the client that asked for it first. */
  readonly client?: string | undefined
  /** The id is that of one client's credential: nobody else joins, or is given what is kept. */
  readonly alone: boolean
  /** False: for this request alone. */
  readonly keep: boolean
  /** Bytes: a larger body is not kept. */
  readonly maxSize?: number | undefined
  readonly lane?: Lane | undefined
  /** The answer is passed on as the origin gives it. */
  readonly relay?: Relay | undefined
  /** A body that is cut is not asked for again. */
  readonly once?: boolean
  /** The entry of the body, from what is known of any; undefined: it is not kept. Default: as it is. */
  readonly finish?: (entry: Entry) => Entry | undefined
}

type Stored = Pick<Order, 'id' | 'alone' | 'keep' | 'access' | 'credential' | 'maxSize'>

/**
 * The id under which the body is kept; undefined where it is not. A private body without a strong validator is kept for its
 * own credential alone: nobody else could prove a right to it.
 */
export function storageId(order: Stored, head: Head): KeyId | undefined {
  const { id, alone, keep, access, credential, maxSize = Infinity } = order
  if (!keep || head.varies || head.signIn === true || (head.length ?? 0) > maxSize) return undefined
  if (alone || access !== 'client' || isStrong(head.headers.etag)) return id
  return credential === undefined ? undefined : aloneIdOf(id, credential)
}

/** An answer with which a download begins: the one that showed that the content had changed. */
export interface Seed {
  readonly answer: OriginAnswer
  readonly head: Head
}
