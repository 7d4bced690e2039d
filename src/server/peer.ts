/** The requests between the nodes of a cluster: bodies by the id of their key, copies and purges. No origin is contacted. */

import { KissError } from '../errors.js'
import type { Lent, Refused } from '../engine/lending.js'
import type { ClusterEngine } from '../engine/types.js'
import { formatReprDigest } from '../http/digest.js'
import { formatContentRange, formatUnsatisfied, requestedRange, resolveRange } from '../http/range.js'
import { kissToken, TokenSet } from './access.js'
import type { BufferPool } from './buffer-pool.js'
import { problemReply } from './problem.js'
import { pump } from './pump.js'
import { json, type BodySink, type Reply, type StreamBody } from './reply.js'
import type { Handler, Incoming, Route, Services } from './route.js'

/** Ids are hashes, with another one behind a hyphen. */
const body = /^\/api\/v1\/peer\/([0-9a-f]{64}(?:-[0-9a-f]{32})*)$/
const follow = /^\/api\/v1\/peer\/([0-9a-f]{64}(?:-[0-9a-f]{32})*)\/follow$/

export function peerRoutes(cluster: ClusterEngine): readonly Route[] {
  const tokens = new TokenSet(cluster.tokens)
  const known =
    (handler: Handler): Handler =>
    (request, services) =>
      tokens.has(kissToken(request.headers)) ? handler(request, services) : stranger()
  // Only the cluster token is checked: nodes need not be among the allowed clients or server names.
  const common = { guard: 'open', anyHost: true } as const
  return [
    { ...common, path: body, handlers: { GET: known((request, services) => lend(request, services, cluster)) } },
    { ...common, path: follow, handlers: { POST: known((request, services) => copy(request, services, cluster)) } },
    { ...common, path: /^\/api\/v1\/peer\/purge$/, handlers: { POST: known((request) => purge(request, cluster)) } },
  ]
}

function stranger(): Reply {
  return problemReply({ status: 401, code: 'client-forbidden', detail: 'this takes the token of the cluster' })
}

async function purge(request: Incoming, cluster: ClusterEngine): Promise<Reply> {
  const form = await request.form()
  const { removed, bytes, named } = await cluster.purge(form.get('purge') ?? '', form.get('dry-run') === 'true')
  return json(200, { removed, bytes, named })
}

async function copy(request: Incoming, { draining }: Services, cluster: ClusterEngine): Promise<Reply> {
  const form = await request.form()
  const [id = ''] = request.params
  const [url, access, lifetime] = [form.get('url'), form.get('access'), Number(form.get('lifetime'))]
  const isAccess = access === 'public' || access === 'provider' || access === 'client'
  if (url === null || !URL.canParse(url) || !isAccess || !(lifetime >= 0))
    throw new KissError('usage', 'this names no download')
  if (draining()) throw new KissError('draining', 'this server is shutting down')
  if (!(await cluster.copy({ id, url, access, lifetime })))
    return problemReply({ status: 409, code: 'not-found', detail: 'this node keeps nothing of it' })
  return json(200, {})
}

async function lend(request: Incoming, { pool }: Services, cluster: ClusterEngine): Promise<Reply> {
  const [id = ''] = request.params
  const generation = String(request.headers['x-kiss-generation'] ?? 'stored')
  const what = generation === 'stored' || generation === 'part' ? generation : Number(generation)
  const lent = await cluster.lend(id, what, request.signal)
  if (typeof lent === 'string') return refusal(lent, what)
  try {
    const reply = replyWith(lent, request, pool)
    if (typeof reply.body !== 'object') await lent.close()
    return reply
  } catch (error) {
    await lent.close()
    throw error
  }
}

function refusal(refused: Refused, what: 'stored' | 'part' | number): Reply {
  if (refused === 'private') {
    return problemReply({ status: 403, code: 'client-forbidden', detail: 'this body is for one request alone' })
  }
  return typeof what === 'string'
    ? problemReply({ status: 404, code: 'not-found', detail: 'this node does not have it' })
    : problemReply({ status: 409, code: 'not-found', detail: 'this node does not download it under that lease' })
}

function replyWith(lent: Lent, { method, headers }: Incoming, pool: BufferPool): Reply {
  const { about, complete, held = Infinity } = lent
  const { length } = about
  const { etag } = about.headers
  const range = requestedRange(method, headers, etag === undefined ? {} : { etag })
  const sum = lent.sum()
  const common = {
    'Content-Type': 'application/octet-stream',
    'Cache-Control': 'private, no-store',
    'X-Kiss-Entry': ascii(JSON.stringify(about)),
    ...(etag !== undefined && { ETag: etag }),
    ...(complete && sum !== undefined ? { 'Repr-Digest': formatReprDigest(sum) } : { Trailer: 'Repr-Digest' }),
  }
  const whole = (): Reply => ({ status: 200, headers: common, body: bodyOf(lent, 0, pool) })
  // A node requests a range only to continue: from a byte to the end of a known length.
  if (range === undefined || 'suffix' in range || range.last !== undefined || length === undefined) return whole()
  const resolved = resolveRange(range, length)
  if (resolved === undefined || resolved.first >= held) {
    const unsatisfied = { ...common, 'Content-Range': formatUnsatisfied(length) }
    return problemReply({
      status: 416,
      code: 'range',
      detail: 'the node does not have these bytes',
      headers: unsatisfied,
    })
  }
  const contentRange = { 'Content-Range': formatContentRange(resolved, length) }
  return { status: 206, headers: { ...common, ...contentRange }, body: bodyOf(lent, resolved.first, pool) }
}

/** A growing body is sent in chunks even with a known length: its sum follows in a trailer. */
function bodyOf(lent: Lent, first: number, pool: BufferPool): StreamBody {
  const { about, complete } = lent
  const end = complete ? about.length : undefined
  return {
    length: end === undefined ? undefined : end - first,
    flush: !complete,
    async send(sink) {
      try {
        const to = complete ? sink : withSum(sink, lent)
        await pump({ content: lent, first, end, pool, sink: to, sent: (bytes) => lent.sent(bytes) })
      } finally {
        await lent.close()
      }
    },
    discard: () => lent.close(),
  }
}

function withSum(sink: BodySink, lent: Lent): BodySink {
  return {
    write: (chunk) => sink.write(chunk),
    end: (chunk) => {
      const sum = lent.sum()
      return sink.end(chunk, sum === undefined ? undefined : { 'Repr-Digest': formatReprDigest(sum) })
    },
  }
}

/** Escapes JSON to ASCII, for a header field. */
function ascii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
