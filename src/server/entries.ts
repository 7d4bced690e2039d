/** The entries as JSON, for `kiss list --server` and `kiss purge --server`. Both are for admins. */

import type { Entry } from '../store/types.js'
import { KissError } from '../errors.js'
import { isEmptyFilter, parseEntryFilter } from './entry-filter.js'
import { json, type BodySink, type Reply } from './reply.js'
import type { Incoming, Route, Services } from './route.js'

/** One of `entries`; times are milliseconds since the epoch, sizes bytes. */
export interface ListedEntry {
  /** Distinguishes entries with one displayable URL; '' if an older server sends none. */
  readonly id: string
  /** Displayable. */
  readonly url: string
  readonly size: number
  readonly sha256: string
  readonly storedAt: number
  readonly staleAt: number
  readonly lastUsedAt: number
  readonly hits: number
  readonly private: boolean
  /** Absent: it is not pinned; null: for ever. */
  readonly pinnedUntil?: number | null
}

/** Exactly the keys of the contract. */
export function listedEntry(entry: ListedEntry): ListedEntry {
  const { id, url, size, sha256, storedAt, staleAt, lastUsedAt, hits, pinnedUntil } = entry
  return {
    id,
    url,
    size,
    sha256,
    storedAt,
    staleAt,
    lastUsedAt,
    hits,
    private: entry.private,
    ...(pinnedUntil !== undefined && { pinnedUntil: pinnedUntil === Infinity ? null : pinnedUntil }),
  }
}

/** Lists that one process writes at once: each walks the whole index. */
const LISTS = 4
/** Entries of one page at most. */
const LARGEST_PAGE = 10_000
/** Bytes that are collected before they are written. */
const CHUNK = 64 * 1024

let lists = 0

/** `?limit=1000&after=ID`: a page and, as `next`, the id to go on after; without `limit` all entries. */
function list(request: Incoming, { engine }: Services): Reply {
  const parameters = new URLSearchParams(request.query)
  const limit = limitOf(parameters)
  const after = afterOf(parameters)
  parameters.delete('limit')
  parameters.delete('after')
  const filter = parseEntryFilter(parameters.toString())
  if (lists >= LISTS) {
    throw new KissError('busy', `${LISTS} lists of entries are being written already`, { retryAfter: 5000 })
  }
  lists++
  const done = (): void => {
    lists--
  }
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' },
    body: {
      length: undefined,
      flush: false,
      send: (sink) => writeList(sink, engine.select(filter, after), limit).finally(done),
      discard: async () => done(),
    },
  }
}

/** Waits for the reader after every chunk, so that a list takes no more memory than one. */
async function writeList(sink: BodySink, entries: AsyncIterable<Entry>, limit: number): Promise<void> {
  let text = '{"entries":['
  let count = 0
  let last: string | undefined
  let more = false
  for await (const entry of entries) {
    if (count === limit) {
      more = true
      break
    }
    text += `${count === 0 ? '' : ','}\n${JSON.stringify(listedEntry(entry))}`
    last = entry.id
    count++
    if (text.length < CHUNK) continue
    await sink.write(Buffer.from(text))
    text = ''
  }
  await sink.end(Buffer.from(`${text}\n]${more ? `,"next":${JSON.stringify(last)}` : ''}}\n`))
}

function limitOf(parameters: URLSearchParams): number {
  const text = parameters.get('limit')
  if (text === null) return Infinity
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= LARGEST_PAGE) return limit
  throw new KissError('usage', `limit: not a number from 1 to ${LARGEST_PAGE}`)
}

function afterOf(parameters: URLSearchParams): string | undefined {
  const text = parameters.get('after') ?? undefined
  if (text === undefined || /^[0-9a-f]{64}(-[0-9a-f]{32})*$/.test(text)) return text
  throw new KissError('usage', 'after: not the id of an entry')
}

async function purge(request: Incoming, { engine }: Services): Promise<Reply> {
  const filter = parseEntryFilter(request.query)
  if (isEmptyFilter(filter)) throw new KissError('usage', 'choose by url or by a filter; all=true removes everything')
  return json(200, await engine.purge(filter))
}

export const entriesRoute: Route = {
  path: /^\/api\/v1\/entries\/?$/,
  guard: 'client',
  handlers: {},
  admin: { GET: list, DELETE: purge },
}
