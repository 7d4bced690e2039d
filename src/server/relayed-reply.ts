/**
 * The answer to a client under `freshness: origin`: the status and fields of the origin, without those that would act in the
 * name of this server (RFC 9111 §4, RFC 9110 §14). Sends nothing itself.
 */

import type { RelayedAnswer } from '../engine/types.js'
import { formatCacheStatus } from '../http/cache-status.js'
import { isKnownToClient } from '../http/caching/conditions.js'
import { rangeWithin } from '../http/caching/parts.js'
import { withoutFields } from '../http/caching/fields.js'
import type { Fields } from '../http/caching/types.js'
import { attachment } from '../http/disposition.js'
import { toUrl } from '../http/parse-url.js'
import { formatContentRange, formatUnsatisfied, requestedRange, resolveRange, type ByteRange } from '../http/range.js'
import { bodyOf, isStream, verifyEmpty, type FetchReplyOptions } from './fetch-reply.js'
import { problemReply } from './problem.js'
import type { Reply } from './reply.js'

export interface RelayedReplyOptions extends FetchReplyOptions {
  readonly answer: RelayedAnswer
  /** The end-to-end fields of the request. */
  readonly fields: Fields
  /** The requested URL: the base of a relative Location. */
  readonly url: URL
}

/** Closes the artifact in every case but one: a reply with a stream leaves that to the stream. */
export async function relayedReply(options: RelayedReplyOptions): Promise<Reply> {
  const { artifact } = options
  try {
    const { answer, method, promised } = options
    if (promised && method === 'GET' && answer.status === 200) await verifyEmpty(artifact.content)
    const reply = decide(options)
    if (!isStream(reply)) await artifact.close('done')
    return reply
  } catch (error) {
    await artifact.close('aborted')
    throw error
  }
}

function decide(options: RelayedReplyOptions): Reply {
  const { artifact, answer, fields, method, now } = options
  const { status } = answer
  const headers = headersOf(options)
  const sequential = artifact.entry === undefined && !artifact.stored
  // The origin evaluated the conditions of the client for an answer that passes.
  if (!sequential && isKnownToClient(fields, answer, now)) return { status: 304, headers: withoutBody(headers) }
  if (status === 204 || status === 304) return { status, headers: status === 304 ? withoutBody(headers) : headers }
  if (answer.part !== undefined && artifact.entry !== undefined) return part(options, headers, answer.part.first)
  const own = { ...(answer.fields['etag'] !== undefined && { etag: answer.fields['etag'] }) }
  const range = status === 200 && !sequential ? requestedRange(method, fields, own) : undefined
  const { length } = artifact.content
  if (range === undefined || length === undefined) return { status, headers, body: bodyOf(options, 0, length) }
  const found = resolveRange(range, length)
  if (found !== undefined) return ranged(options, headers, found, { length, offset: 0 })
  const detail = `the answer has ${length} bytes, none of them in the range that was asked for`
  return problemReply({ status: 416, code: 'range', detail, headers: { 'Content-Range': formatUnsatisfied(length) } })
}

/** A range of a stored part. */
function part(options: RelayedReplyOptions, headers: Record<string, string>, offset: number): Reply {
  const { artifact, answer, fields } = options
  const stored = { ...answer, requestedAt: 0, receivedAt: 0, vary: {} }
  const range = rangeWithin(fields, stored)
  if (range === undefined) return { status: 206, headers, body: bodyOf(options, 0, artifact.content.length) }
  return ranged(options, headers, range, { length: answer.part?.length, offset })
}

/** @param offset of the content in the representation */
function ranged(
  options: RelayedReplyOptions,
  headers: Record<string, string>,
  range: ByteRange,
  { length, offset }: { readonly length: number | undefined; readonly offset: number },
): Reply {
  const body = bodyOf(options, range.first - offset, range.last + 1 - offset)
  return { status: 206, headers: { ...headers, 'content-range': formatContentRange(range, length) }, body }
}

/** Not to be sent with a 304: they describe a body (RFC 9110 §15.4.5). */
function withoutBody(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !/^content-(type|encoding|range|disposition)$/i.test(name)),
  )
}

/** Each name once, in one case: those that the server writes itself are spelt as it does. */
function headersOf({ artifact, answer, url, name }: RelayedReplyOptions): Record<string, string> {
  const { fields, age, cache } = answer
  const { server, location } = fields
  // The writer sets the length; the id is that of the request.
  const others = withoutFields(fields, 'content-length', 'x-request-id', 'server', 'location')
  return {
    ...others,
    ...(server !== undefined && { Server: server }),
    ...(location !== undefined && { location: toUrl(location, url)?.href ?? location }),
    ...(age !== undefined && { age: String(age) }),
    ...(artifact.private && others['cache-control'] === undefined && { 'cache-control': 'private' }),
    'Cache-Status': formatCacheStatus(cache),
    'Content-Disposition': attachment(name),
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': 'sandbox',
  }
}
