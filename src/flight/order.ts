/** An order: one key to be downloaded, with the parameters of the request that starts the download. */

import { isStrong } from '../http/validation.js'
import type { Head } from './directory.js'
import type { Entry, KeyId, Sha256 } from '../store/types.js'
import type { Lane, OriginAnswer, Relay } from '../upstream/types.js'
import { aloneIdOf, type Subject } from './subject.js'

export interface Order extends Omit<Subject, 'share'> {
  /** Milliseconds. */
  readonly lifetime: number
  /** Milliseconds: the lifetime of a confirmed entry by a rule; default: the entry's own. */
  readonly renewal?: number | undefined
  /** Milliseconds: the maximum age that the request accepts. It is sent to parents. */
  readonly ttl?: number | undefined
  /** The entry to validate. */
  readonly stale: Entry | undefined
  /** An entry whose content the origin does not give to this client: it is replaced without a validation. */
  readonly replaces?: Entry | undefined
  /** Is a stored entry of another node young enough for the request? */
  readonly accepts?: ((entry: Entry) => boolean) | undefined
  /** Ask the origin despite a remembered failure. */
  readonly insists?: boolean | undefined
  /** The sum that the request names: it can prove that a body without a length is whole. */
  readonly promised: Sha256 | undefined
  /** Canonical URLs that led to this one. */
  readonly through?: readonly string[] | undefined
  /** Via of the request that starts it. */
  readonly via?: string | undefined
  /** Address of the client of the first request. */
  readonly client?: string | undefined
  /** The id belongs to one client's credential: other clients neither join the download nor read its body. */
  readonly alone: boolean
  /** False: the body is for this request alone. */
  readonly keep: boolean
  /** Bytes: a larger body is not stored. */
  readonly maxSize?: number | undefined
  readonly lane?: Lane | undefined
  /** The answer is passed on as the origin gives it. */
  readonly relay?: Relay | undefined
  /** A copy for another node: the bytes come from other nodes, and no origin is asked. */
  readonly follows?: boolean | undefined
  /** No second attempt: `always` none at all, `first` none before the head of the body is known. Default: by the retry rules. */
  readonly once?: 'always' | 'first' | undefined
  /** Completes the entry of the body; undefined: the body is not stored. Default: the entry stays as it is. */
  readonly finish?: (entry: Entry) => Entry | undefined
}

type Stored = Pick<Order, 'id' | 'alone' | 'keep' | 'access' | 'credential' | 'maxSize'>

/**
 * The id under which the body is stored; undefined if it is not stored. A private body without a strong validator is stored
 * for its own credential alone: no other client can prove a right to it.
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
