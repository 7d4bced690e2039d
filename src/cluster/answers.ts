/** Turns the reply of another node into an origin's answer, so that a download handles both in the same way. */

import type { About, PeerAnswer } from '../flight/cluster.js'
import type { Order } from '../flight/subject.js'
import type { Access, Entry } from '../store/types.js'
import { Moved } from './holder.js'
import type { PeerBody } from './peers.js'

/** Milliseconds between two checks of a node that sends nothing. */
const WATCH = 1_000
/** Milliseconds without a byte after which a node that has the whole body is given up. */
const SILENCE = 10_000

export interface Reading {
  readonly signal: AbortSignal
  /** For a growing body: tells whether another node holds the lease now. */
  readonly isOver?: (() => Promise<boolean>) | undefined
}

export function answerOf(body: PeerBody, order: Order, reading: Reading): PeerAnswer {
  const { about, status, contentRange, stream, sum } = body
  const access = accessHere(about.access, order.access)
  const { contentType, contentEncoding, etag, lastModified } = about.headers
  return {
    url: order.url,
    hop: 0,
    status,
    headers: {
      ...(contentType !== undefined && { 'content-type': contentType }),
      ...(contentEncoding !== undefined && { 'content-encoding': contentEncoding }),
      ...(etag !== undefined && { etag }),
      ...(lastModified !== undefined && { 'last-modified': lastModified }),
      ...(!about.ranges && { 'accept-ranges': 'none' }),
      ...(status === 206
        ? { 'content-range': contentRange ?? '', 'transfer-encoding': 'chunked' }
        : about.length === undefined
          ? { 'transfer-encoding': 'chunked' }
          : { 'content-length': String(about.length) }),
    },
    kind: 'peer',
    // The age of a growing body counts from the beginning of its download.
    age: 0,
    ...(about.source !== undefined && { source: about.source }),
    sha256: about.entry?.sha256,
    told: { resource: about.resource, access, lifetime: about.lifetime, entry: about.entry, sum },
    body: { [Symbol.asyncIterator]: () => chunksOf(body, reading) },
    discard: () => {
      stream.destroy()
      return Promise.resolve()
    },
    excerpt: () => {
      stream.destroy()
      return Promise.resolve('')
    },
  }
}

/** Another node has validated the entry that this order would validate. */
export function renewedAnswer(order: Order, stale: Entry, entry: Entry): PeerAnswer {
  const { etag, lastModified } = stale.headers
  return {
    url: order.url,
    hop: 0,
    status: 304,
    headers: {
      ...(etag !== undefined && { etag }),
      ...(lastModified !== undefined && { 'last-modified': lastModified }),
    },
    kind: 'peer',
    ...(stale.source !== undefined && { source: stale.source }),
    told: {
      resource: stale.resource,
      access: stale.access ?? 'client',
      lifetime: entry.lifetime,
      entry,
      sum: () => undefined,
    },
    body: { [Symbol.asyncIterator]: nothing },
    discard: () => Promise.resolve(),
    excerpt: () => Promise.resolve(''),
  }
}

export function aboutOf({ headers, size, resource, source, url, access, private: isPrivate, lifetime }: Entry): About {
  const noted = access ?? (isPrivate ? 'client' : 'provider')
  return { headers, length: size, ranges: true, resource, source, url, access: noted, lifetime }
}

/** A body that needed a client's credential on the other node is stored here under the credential that proved its right. */
function accessHere(there: Access, here: Access): Access {
  return there === 'client' ? here : there
}

async function* nothing(): AsyncGenerator<Buffer> {
  // A 304 has no body.
}

async function* chunksOf({ stream, sum }: PeerBody, { signal, isOver }: Reading): AsyncGenerator<Buffer> {
  let waitsSince: number | undefined = performance.now()
  const look = async (): Promise<void> => {
    const silentFor = performance.now() - (waitsSince ?? Infinity)
    if (silentFor < WATCH / 2) return
    if (isOver ? await isOver() : silentFor > SILENCE) stream.destroy(new Moved('the node that sent it fell silent'))
  }
  const timer = setInterval(() => void look(), WATCH)
  const onAbort = (): void => void stream.destroy(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      waitsSince = undefined
      yield chunk
      waitsSince = performance.now()
    }
    if (!stream.complete || sum() === undefined) throw new Moved('the node that sent it left before the end')
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof Moved ? error : new Moved('the node that sent it is gone', { cause: error })
  } finally {
    clearInterval(timer)
    signal.removeEventListener('abort', onAbort)
    stream.destroy()
  }
}
