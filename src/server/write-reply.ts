/** The one place that writes answers to a connection. */

import type { ServerResponse } from 'node:http'
import { KissError } from '../errors.js'
import type { Reply, StreamBody } from './reply.js'
import { clientLeft, ResponseSink } from './response-sink.js'
import type { Sendfile } from './sendfile.js'

/** The outcome of an answer. */
export interface Written {
  readonly status: number
  /** Body bytes that the operating system took. */
  readonly bytes: number
  /** `performance.now()`. */
  readonly firstByteAt: number
  /** Complete; the client left; or the body failed and the connection was closed short. */
  readonly outcome: 'done' | 'aborted' | 'failed'
  /** The failure. */
  readonly error?: unknown
}

export interface Writing {
  readonly reply: Reply
  /** The request was a HEAD: the same headers and no body. */
  readonly head: boolean
  /** Headers that every answer carries. */
  readonly headers: Readonly<Record<string, string>>
  /** The answer to a body that failed before its first byte. */
  readonly problem: (error: unknown) => Reply
  readonly sendfile?: Sendfile | undefined
}

/** Writes an answer and resolves after its end; never rejects. */
export async function writeReply(response: ServerResponse, writing: Writing): Promise<Written> {
  const { reply, head } = writing
  const stream = isStream(reply.body) ? reply.body : undefined
  const bytes = typeof reply.body === 'string' ? Buffer.from(reply.body) : isStream(reply.body) ? undefined : reply.body
  const length = contentLength(reply.status, stream === undefined ? (bytes?.length ?? 0) : stream.length)
  const begin = (): void => {
    const own = length === undefined ? {} : { 'Content-Length': String(length) }
    response.writeHead(reply.status, { ...writing.headers, ...reply.headers, ...own })
  }
  const sink = new ResponseSink(response, begin, writing.sendfile)
  const ended = (outcome: Written['outcome'], error?: unknown): Written => {
    const firstByteAt = sink.firstByteAt ?? performance.now()
    return { status: reply.status, bytes: sink.bytes, firstByteAt, outcome, ...(error !== undefined && { error }) }
  }
  try {
    if (response.destroyed) {
      await stream?.discard('aborted')
      throw clientLeft()
    }
    if (stream === undefined) await sink.end(head ? undefined : bytes)
    else if (head) await Promise.all([sink.end(), stream.discard('done')])
    else {
      if (stream.flush) sink.flush()
      await stream.send(sink)
    }
    return ended('done')
  } catch (error) {
    if (error instanceof KissError && error.code === 'interrupted') {
      response.destroy()
      return ended('aborted')
    }
    if (!sink.begun && stream !== undefined) return writeReply(response, { ...writing, reply: writing.problem(error) })
    closeShort(response, length)
    return ended('failed', error)
  }
}

function isStream(body: Reply['body']): body is StreamBody {
  return typeof body === 'object' && 'send' in body
}

/** RFC 9110 §8.6: none in a 204; that of a 304 would be that of the 200, which no client needs. */
function contentLength(status: number, length: number | undefined): number | undefined {
  return status === 204 || status === 304 ? undefined : length
}

/** Ends the connection so that no client takes the sent part for a whole body. */
function closeShort(response: ServerResponse, length: number | undefined): void {
  const { socket } = response
  // RFC 9112 §6.3: for a client of HTTP/1.0 an orderly close is the end of a body without length; a reset is not.
  const delimitedByClose = length === undefined && !response.chunkedEncoding
  if (delimitedByClose && socket !== null && !('encrypted' in socket)) socket.resetAndDestroy()
  response.destroy()
}
