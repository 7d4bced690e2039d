/** Bodies in gzip for clients that take it: pages, never artifacts. */

import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Reply } from './reply.js'
import type { Incoming } from './route.js'

const compress = promisify(gzip)

/** Bytes: a shorter body fits in one packet without compression. */
const SHORTEST = 1_400

/** RFC 9110 §12.5.3: gzip is named, or `*`, and not with a weight of 0. */
export function takesGzip(acceptEncoding: string | undefined): boolean {
  const weights = new Map(
    (acceptEncoding ?? '').split(',').map((member) => {
      const [coding = '', ...parameters] = member.split(';').map((part) => part.trim().toLowerCase())
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
      return [coding, weight === undefined ? 1 : Number(weight)]
    }),
  )
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0
}

/** The reply in gzip if the client accepts it. Streams stay unchanged. */
export async function compressed(reply: Reply, { headers }: Pick<Incoming, 'headers'>): Promise<Reply> {
  const { body } = reply
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) return reply
  const { Vary: vary } = reply.headers
  const varying = { ...reply.headers, Vary: vary === undefined ? 'Accept-Encoding' : `${vary}, Accept-Encoding` }
  if (Buffer.byteLength(body) < SHORTEST || !takesGzip(headers['accept-encoding']))
    return { ...reply, headers: varying }
  return { ...reply, headers: { ...varying, 'Content-Encoding': 'gzip' }, body: await compress(body) }
}
