/** An artifact as an answer: preconditions, range, headers and body (RFC 9110 §13 and §14). Sends nothing itself. */

import type { Artifact, Content } from '../engine/types.js'
import { cacheStatusOf } from '../http/cache-status.js'
import { formatReprDigest, ownEntityTag } from '../http/digest.js'
import { attachment } from '../http/disposition.js'
import { ageSeconds, remainingSeconds } from '../http/freshness.js'
import {
  formatContentRange,
  formatUnsatisfied,
  requestedRange,
  resolveRange,
  type RangeRequest,
} from '../http/range.js'
import { evaluatePreconditions, type RequestHeaders, type Validators } from '../http/validation.js'
import { accelerated, type Acceleration } from './accel.js'
import type { BufferPool } from './buffer-pool.js'
import { problemReply } from './problem.js'
import { holdingLastByte, pump } from './pump.js'
import type { BodySink, Reply, StreamBody } from './reply.js'

export interface FetchReplyOptions {
  readonly artifact: Artifact
  readonly method: string
  readonly headers: RequestHeaders
  /** For Content-Disposition. */
  readonly name: string
  /** The client requires a sum: no answer is complete before it agrees. */
  readonly promised: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly pool: BufferPool
  /** A proxy in front takes the bytes of finished artifacts. */
  readonly acceleration?: Acceleration
}

/** Closes the artifact in every case but one: a reply with a stream leaves that to the stream. */
export async function fetchReply(options: FetchReplyOptions): Promise<Reply> {
  const { artifact } = options
  try {
    const reply = await decide(options)
    if (!isStream(reply)) await artifact.close('done')
    return reply
  } catch (error) {
    await artifact.close('aborted')
    throw error
  }
}

export function isStream(reply: Reply): boolean {
  return typeof reply.body === 'object' && 'send' in reply.body
}

async function decide(options: FetchReplyOptions): Promise<Reply> {
  const { artifact, method, headers, now, promised } = options
  const { content } = artifact
  if (promised) await verifyEmpty(content)
  const validators = validatorsOf(artifact)
  const common = commonHeaders(artifact, options)
  if (content.complete) {
    const precondition = evaluatePreconditions(headers, validators, now)
    if (precondition === 'not modified') return { status: 304, headers: { ...common, ...validatorHeaders(validators) } }
    if (precondition === 'failed') {
      const detail = 'the artifact is not the one that If-Match or If-Unmodified-Since names'
      return problemReply({ status: 412, code: 'precondition', detail, headers: common })
    }
  }
  const range = requestedRange(method, headers, validators)
  const reply = range === undefined ? whole(options, common) : await partial(options, common, range)
  return options.acceleration === undefined ? reply : accelerated(reply, options, options.acceleration)
}

function whole(options: FetchReplyOptions, common: Record<string, string>): Reply {
  const { artifact } = options
  const end = artifact.content.length
  return { status: 200, headers: { ...common, ...bodyHeaders(artifact, options) }, body: bodyOf(options, 0, end) }
}

async function partial(
  options: FetchReplyOptions,
  common: Record<string, string>,
  range: RangeRequest,
): Promise<Reply> {
  const { artifact } = options
  const length = await lengthFor(artifact, range)
  if (length === undefined && ('suffix' in range || range.last === undefined)) {
    // §14.2: a range whose end is not known yet may be ignored; the client accepts the whole body too.
    return whole(options, common)
  }
  const resolved = resolveRange(range, length ?? Infinity)
  if (resolved === undefined) {
    const known = length ?? 0
    const detail = `the artifact has ${known} bytes, none of them in the range that was asked for`
    const unsatisfied = { ...common, 'Content-Range': formatUnsatisfied(known) }
    return problemReply({ status: 416, code: 'range', detail, headers: unsatisfied })
  }
  return {
    status: 206,
    headers: {
      ...common,
      ...bodyHeaders(artifact, options),
      'Content-Range': formatContentRange(resolved, length),
    },
    body: bodyOf(options, resolved.first, resolved.last + 1),
  }
}

/**
 * The length of the whole body, if it is known. Otherwise a closed range waits for its last byte or for the end, because a 206
 * announces a length that must be true.
 */
async function lengthFor({ content }: Artifact, range: RangeRequest): Promise<number | undefined> {
  const known = content.length
  if (known !== undefined || 'suffix' in range || range.last === undefined) return known
  const arrived = await content.read(Buffer.allocUnsafe(1), range.last)
  // There is no such byte, so the body ends before it, and its length is known now.
  return content.length ?? (arrived === 0 ? 0 : undefined)
}

/** An empty body has no last byte that could be held back until the sum agrees. */
export async function verifyEmpty(content: Content): Promise<void> {
  if (content.length === 0) await untilVerified(content)
}

/** Reads at the end, which waits for all bytes and for the sum within the reader's patience; throws if the sum differs. */
async function untilVerified(content: Content): Promise<void> {
  await content.read(Buffer.allocUnsafe(1), content.length ?? Number.MAX_SAFE_INTEGER)
}

/** The validators of the origin; an ETag of kiss if the origin sent none and the sum is known. Clients may compare ETags. */
function validatorsOf({ content, headers }: Artifact): Validators {
  const own = headers.lastModified === undefined && content.sha256 !== undefined
  const etag = headers.etag ?? (own ? ownEntityTag(content.sha256) : undefined)
  return {
    ...(etag !== undefined && { etag }),
    ...(headers.lastModified !== undefined && { lastModified: headers.lastModified }),
  }
}

function validatorHeaders({ etag, lastModified }: Validators): Record<string, string> {
  return {
    ...(etag !== undefined && { ETag: etag }),
    ...(lastModified !== undefined && { 'Last-Modified': lastModified }),
  }
}

/** The headers of every answer about an artifact. */
function commonHeaders(artifact: Artifact, { now }: FetchReplyOptions): Record<string, string> {
  const { entry, as, stored, detail, parent } = artifact
  const ttl = entry === undefined ? undefined : remainingSeconds(entry, now)
  const validatedAt = entry?.validatedAt ?? parent?.confirmedAt
  const own = cacheStatusOf({ as, stored, detail, ttl })
  return {
    // RFC 9211 §2: the cache nearest to the origin comes first.
    'Cache-Status': [...(parent?.cacheStatus === undefined ? [] : [parent.cacheStatus]), own].join(', '),
    ...(validatedAt !== undefined && { Age: String(ageSeconds({ validatedAt }, now)) }),
    ...(artifact.private && { 'Cache-Control': 'private, no-store' }),
    'Accept-Ranges': 'bytes',
  }
}

/** The headers of the bytes. Headers of an origin must not act in the name of this server. */
function bodyHeaders(artifact: Artifact, { name }: FetchReplyOptions): Record<string, string> {
  const { content, headers } = artifact
  return {
    'Content-Type': headers.contentType ?? 'application/octet-stream',
    ...(headers.contentEncoding !== undefined && { 'Content-Encoding': headers.contentEncoding }),
    ...validatorHeaders(validatorsOf(artifact)),
    ...(content.sha256 !== undefined && { 'Repr-Digest': formatReprDigest(content.sha256) }),
    'Content-Disposition': attachment(name),
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': 'sandbox',
  }
}

/** One write for head and body. */
async function sendWhole(artifact: Artifact, bytes: Uint8Array, sink: BodySink): Promise<void> {
  try {
    await sink.end(bytes)
  } catch (error) {
    await artifact.close('aborted')
    throw error
  }
  artifact.sent(bytes.length)
  await artifact.close('done')
}

export function bodyOf(
  { artifact, promised, pool }: FetchReplyOptions,
  first: number,
  end: number | undefined,
): StreamBody {
  const { content } = artifact
  const growing = !content.complete
  const held = promised && growing && end !== undefined && end > first
  return {
    length: end === undefined ? undefined : end - first,
    flush: growing,
    async send(sink) {
      if (content.inMemory !== undefined) {
        await sendWhole(artifact, content.inMemory.subarray(first, end), sink)
        return
      }
      const source = held ? holdingLastByte(content, end, () => untilVerified(content)) : content
      try {
        await pump({ content: source, first, end, pool, sink, sent: (bytes) => artifact.sent(bytes) })
      } catch (error) {
        await artifact.close('aborted')
        throw error
      }
      await artifact.close('done')
    },
    discard: (outcome) => artifact.close(outcome),
  }
}
