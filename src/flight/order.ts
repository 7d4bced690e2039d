/** One key to be downloaded: what a transfer is told by the request that starts it. */

import { isStrong } from '../http/validation.js'
import type { Head } from './directory.js'
import type { Entry, Sha256 } from '../store/types.js'
import type { OriginAnswer } from '../upstream/types.js'
import type { Subject } from './subject.js'

export interface Order extends Omit<Subject, 'share'> {
  /** The bytes will be the client's own: to be shared only after a probe. */
  readonly private: boolean
  /** Milliseconds. */
  readonly lifetime: number
  /** The entry to validate. */
  readonly stale: Entry | undefined
  /** The entry whose content this client is known not to be given: not validated, but replaced. */
  readonly replaces?: Entry | undefined
  /** Ask the origin although it failed a moment ago. */
  readonly insists?: boolean | undefined
  /** The sum that the starting reader was promised: it can prove that a body without a length is whole. */
  readonly promised: Sha256 | undefined
  /** Address of the client that asked for it first. */
  readonly client?: string | undefined
  /** False: for this client alone (no validator by which others could prove their right). */
  readonly keep: boolean
}

/**
 * May what comes be kept for later? Not what is for one client alone, not what depends on a header that the client passed
 * on, and not what is private and has no strong validator: nobody could prove a right to it.
 */
export function isStorable(
  { keep, private: isPrivate }: Pick<Order, 'keep' | 'private'>,
  head: Head | undefined,
): boolean {
  return keep && head?.varies !== true && (!isPrivate || isStrong(head?.headers.etag))
}

/** An answer with which a download begins: the one that showed that the content had changed. */
export interface Seed {
  readonly answer: OriginAnswer
  readonly head: Head
}
