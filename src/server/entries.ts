/** The entries as JSON, for `kiss list --server` and `kiss purge --server`: listing for clients, purging for admins. */

import { KissError } from '../errors.js'
import { selects } from '../store/select.js'
import { isEmptyFilter, parseEntryFilter } from './entry-filter.js'
import { json, type Reply } from './reply.js'
import type { Incoming, Route, Services } from './route.js'

/** One of `entries`; times are milliseconds since the epoch, sizes bytes. */
export interface ListedEntry {
  /** Displayable. */
  readonly url: string
  readonly size: number
  readonly sha256: string
  readonly storedAt: number
  readonly staleAt: number
  readonly lastUsedAt: number
  readonly hits: number
  readonly private: boolean
}

/** Exactly the keys of the contract. */
export function listedEntry(entry: ListedEntry): ListedEntry {
  const { url, size, sha256, storedAt, staleAt, lastUsedAt, hits } = entry
  return { url, size, sha256, storedAt, staleAt, lastUsedAt, hits, private: entry.private }
}

async function list(request: Incoming, { engine, now }: Services): Promise<Reply> {
  const filter = parseEntryFilter(request.query)
  const chosen = selects(isEmptyFilter(filter) ? { all: true } : filter, now())
  const entries: ListedEntry[] = []
  for await (const entry of engine.list()) {
    // That a private artifact is there is for its reader to know, and for an admin.
    if ((entry.private && request.role !== 'admin') || !chosen(entry)) continue
    entries.push(listedEntry(entry))
  }
  return json(200, { entries })
}

async function purge(request: Incoming, { engine }: Services): Promise<Reply> {
  const filter = parseEntryFilter(request.query)
  if (isEmptyFilter(filter)) throw new KissError('usage', 'choose by url or by a filter; all=true removes everything')
  return json(200, await engine.purge(filter))
}

export const entriesRoute: Route = {
  path: /^\/api\/v1\/entries\/?$/,
  guard: 'client',
  handlers: { GET: list },
  admin: { DELETE: purge },
}
