/** Hands the bytes of finished artifacts to the nginx in front: an answer without body that names a file (X-Accel-Redirect). */

import { basename, dirname, posix } from 'node:path'
import type { Artifact } from '../engine/types.js'
import type { RequestHeaders } from '../http/validation.js'
import { KissError } from '../errors.js'
import type { Reply } from './reply.js'

export interface Acceleration {
  /** Path of the proxy's internal location for `<cache-dir>/blobs`, with a final `/`. */
  readonly prefix: string
  /** Called with the number of body bytes that the proxy will send. */
  readonly handedOver: (bytes: number) => void
}

/** @throws KissError `usage` for a text that is not the path of a location */
export function accelPrefix(text: string): string {
  if (!/^(?:\/[\w.~-]+)+\/?$/.test(text)) {
    throw new KissError('usage', `--x-accel-redirect: ${JSON.stringify(text)} is not the path of a location`, {
      hint: 'such as /kiss-blobs/, where nginx has: internal; alias <cache-dir>/blobs/;',
    })
  }
  return text.endsWith('/') ? text : `${text}/`
}

/** Headers that nginx writes itself and would repeat. */
const saidByProxy = ['Accept-Ranges', 'Content-Range']

/** The header of a proxy that could not open the file: the client gets the bytes from here. */
export function declines(headers: RequestHeaders): boolean {
  return headers['x-kiss-accel'] === 'off'
}

/**
 * Replaces the body by a reference to the file. The proxy takes the length of the file and cuts the requested range. The answer
 * stays as it is if the proxy would decide differently. Preconditions were decided before.
 */
export function accelerated(
  reply: Reply,
  { artifact, method, headers }: { artifact: Artifact; method: string; headers: RequestHeaders },
  { prefix, handedOver }: Acceleration,
): Reply {
  const { body } = reply
  const { content, entry } = artifact
  if (typeof body !== 'object' || !('send' in body)) return reply
  // nginx drops Content-Encoding when it sends the file.
  if (artifact.headers.contentEncoding !== undefined) return reply
  if (method !== 'GET' || entry === undefined || !content.complete || !leavesChoice(reply, headers)) return reply
  const file = artifact.path(entry)
  const length = body.length ?? 0
  const kept = Object.entries(reply.headers).filter(([name]) => !saidByProxy.includes(name))
  return {
    status: 200,
    headers: {
      ...Object.fromEntries(kept),
      'X-Accel-Redirect': posix.join(prefix, basename(dirname(file)), basename(file)),
    },
    body: {
      length: 0,
      flush: false,
      async send(sink) {
        try {
          await sink.end()
        } catch (error) {
          await artifact.close('aborted')
          throw error
        }
        // The proxy does not report the bytes that arrive: all bytes that were handed over count as sent.
        artifact.sent(length)
        handedOver(length)
        await artifact.close('done')
      },
      discard: (outcome) => body.discard(outcome),
    },
  }
}

/** nginx compares If-Match and If-Unmodified-Since with the file, and takes ranges that we ignore. */
function leavesChoice({ status }: Reply, headers: RequestHeaders): boolean {
  const conditional = headers['if-match'] !== undefined || headers['if-unmodified-since'] !== undefined
  return !conditional && (status === 206) === (headers.range !== undefined)
}
