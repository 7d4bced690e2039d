/** Reads the body of an answer: compares the bytes that are on disk already, and appends the others. */

import { KissError, asKissError } from '../errors.js'
import type { OriginAnswer } from '../upstream/types.js'
import type { Collaborators, Counting } from './collaborators.js'
import type { Head } from './directory.js'
import type { LandingPlace } from './landing.js'
import type { Order } from './subject.js'
import { isDiskError, senderOf } from './refusals.js'
import { mergeHeads } from './resume.js'
import { countersOf } from './sources.js'

export interface Reception {
  readonly order: Order
  readonly collaborators: Pick<Collaborators, 'origins'> & { readonly store: Counting }
  readonly landing: LandingPlace
  readonly signal: AbortSignal
  readonly answer: OriginAnswer
  /** Offset of the first byte of the answer. */
  readonly position: number
  /** The head of the answer. It applies to the bytes on disk only after all of them were compared. */
  readonly head?: Head | undefined
  /** Length of the whole by an earlier range, if no head has it: it is not announced to readers. */
  readonly total: number | undefined
  /** The byte after the last that the Content-Range of the answer announces. */
  readonly rangeEnd?: number | undefined
  /** The body grew beyond its size before this attempt. */
  readonly onGrown: () => void
}

export type Received =
  | { readonly kind: 'whole'; readonly delimited: boolean }
  /** The bytes on disk belong to another content. */
  | { readonly kind: 'changed' }
  /** The body of the answer ended too early. */
  | { readonly kind: 'cut'; readonly reason?: string; readonly cause?: unknown }

/** Throws KissError for a failure that no further attempt can mend, and the reason of the signal. */
export async function receive(reception: Reception): Promise<Received> {
  const { answer, landing, order, position, collaborators, signal } = reception
  const { writer } = landing
  const counters = countersOf(answer)
  const held = writer.size
  let { head } = reception
  let at = position
  const learn = async (): Promise<void> => {
    // A validator that came with the first bytes does not cover later ones.
    if (!head || at < held) return
    await landing.learn(mergeHeads(landing.head, head))
    head = undefined
  }
  try {
    await learn()
    for await (const chunk of answer.body) {
      for (const counter of counters) collaborators.store.counters.add(counter, chunk.length)
      const known = Math.min(chunk.length, Math.max(0, writer.size - at))
      if (known > 0 && !(await writer.holds(chunk.subarray(0, known), at))) return { kind: 'changed' }
      at += known
      if (known > 0) landing.show(at)
      await learn()
      const fresh = known === 0 ? chunk : chunk.subarray(known)
      if (isBeyond(fresh, reception)) return { kind: 'changed' }
      if (fresh.length > 0) await append(fresh, reception)
      at += fresh.length
    }
  } catch (error) {
    signal.throwIfAborted()
    await writer.flush()
    if (error instanceof KissError) throw error
    if (isDiskError(error)) throw asKissError(error, 'disk', `cannot store ${order.shown}`)
    return { kind: 'cut', cause: error }
  } finally {
    await answer.discard()
  }
  await writer.flush()
  return ended(at, reception)
}

/** The connection ended the body at byte `at`. */
async function ended(at: number, reception: Reception): Promise<Received> {
  const { answer, landing, order, position, collaborators, signal } = reception
  const { head, writer } = landing
  const { headers } = answer
  const sender = senderOf(answer)
  const cut = (reason: string): Received => ({ kind: 'cut', reason })
  const length = expectedLength(reception)
  const delimited = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
  if (length !== undefined && at < length) {
    // RFC 9112 §8: a chunked message with its last chunk is complete, so the length of an earlier answer was wrong.
    const isComplete = position === 0 && headers['content-length'] === undefined && delimited
    if (isComplete) return { kind: 'changed' }
    return cut(`${sender} ended the body at byte ${at} of ${length}`)
  }
  if (at < writer.size) return delimited ? { kind: 'changed' } : cut(`${sender} closed the connection at byte ${at}`)
  if (length !== undefined || delimited) return { kind: 'whole', delimited: true }
  // A relayed answer is whole when the origin ends it.
  if (order.relay) return { kind: 'whole', delimited: false }
  // Only the connection ended it, as it ends a cut body (RFC 9112 §8).
  const digest = writer.digest()
  if (digest === order.promised || digest === head?.sha256) return { kind: 'whole', delimited: true }
  const known = await lengthByHead(order, head, collaborators, signal)
  return known !== undefined && known > at
    ? cut(`${sender} closed the connection at byte ${at} of ${known}`)
    : { kind: 'whole', delimited: known === at }
}

/** The byte at which the body of the answer has to end, as this answer or an earlier one announced; undefined if none did. */
function expectedLength({ landing, total }: Pick<Reception, 'landing' | 'total'>): number | undefined {
  return landing.head?.length ?? total
}

/** Does the answer with the whole body disprove the length that an earlier answer announced? */
function isBeyond(chunk: Buffer, reception: Reception): boolean {
  return (
    reception.position === 0 && reception.landing.writer.size + chunk.length > (expectedLength(reception) ?? Infinity)
  )
}

async function append(chunk: Buffer, reception: Reception): Promise<void> {
  const { answer, landing, order, onGrown } = reception
  const { writer } = landing
  const end = reception.rangeEnd ?? expectedLength(reception)
  if (end !== undefined && writer.size + chunk.length > end)
    throw new KissError(
      'length-mismatch',
      `cannot fetch ${order.shown}: ${senderOf(answer)} sent more than the ${end} bytes that it announced`,
    )
  await writer.append(chunk)
  onGrown()
}

/** Milliseconds. Every byte is here, and readers wait for the end. */
const TIMEOUT = 5_000

/** Bytes; undefined if the answer to HEAD has no length, or belongs to another version than `head`. */
async function lengthByHead(
  order: Order,
  head: Head | undefined,
  { origins }: Pick<Collaborators, 'origins'>,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { url, provider, headers, ownRight } = order
  const network = await origins()
  try {
    const answer = await network.request({
      url,
      provider,
      method: 'HEAD',
      headers,
      clientCredential: ownRight,
      source: head?.source,
      signal,
      headersTimeout: TIMEOUT,
    })
    await answer.discard()
    const length = answer.headers['content-length']
    if (answer.status !== 200 || length === undefined || answer.headers['etag'] !== head?.headers.etag) return undefined
    return Number(length)
  } catch {
    // The download goes on without an answer to HEAD.
    signal.throwIfAborted()
    return undefined
  }
}
