/** The requests of `kiss stats`, `kiss list` and `kiss purge` to a kiss server. */

import type { PurgeFilter, PurgeResult } from '../../engine/types.js'
import { KissError } from '../../errors.js'
import { type ListedEntry, listedEntry } from '../../server/entries.js'
import { formatEntryFilter } from '../../server/entry-filter.js'
import type { RemoteRequest } from './client.js'
import { endpoint } from '../../http/endpoint.js'
import type { Remote } from './open.js'

/** Milliseconds: a server with a hundred thousand entries answers in that time. */
const PATIENCE = 60_000
/** Entries of one page: about 300 KiB. */
const PAGE = 1000

/** The document of `/api/v1/status/`. */
export async function remoteStatus(remote: Remote, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
  const status = await ask(remote, 'status/', '', { signal, patience: PATIENCE })
  if (!isStatus(status)) throw notKiss(remote)
  return status
}

export async function remoteEntries(remote: Remote, filter: PurgeFilter, signal: AbortSignal): Promise<ListedEntry[]> {
  // Names in two parts may lead to one entry.
  const entries = new Map<string, ListedEntry>()
  for (const part of partsOf(filter))
    for (const entry of await listOf(remote, part, signal)) entries.set(entry.id === '' ? entry.url : entry.id, entry)
  return [...entries.values()]
}

async function listOf(remote: Remote, filter: PurgeFilter, signal: AbortSignal): Promise<ListedEntry[]> {
  const entries: ListedEntry[] = []
  for (let after = ''; ;) {
    const query = `${formatEntryFilter(filter)}&limit=${PAGE}${after === '' ? '' : `&after=${after}`}`
    const page = objectOf(remote, await ask(remote, 'entries/', query, { signal, patience: PATIENCE }))
    if (!Array.isArray(page.entries) || !page.entries.every(isListedEntry)) throw notKiss(remote)
    entries.push(...page.entries.map((entry) => listedEntry({ ...entry, id: entry.id ?? '' })))
    if (page.next === undefined) return entries
    // Ids must grow from page to page; otherwise the loop would not end.
    if (typeof page.next !== 'string' || !/^[0-9a-f]{64}(-[0-9a-f]{32})*$/.test(page.next) || page.next <= after)
      throw notKiss(remote)
    after = page.next
  }
}

export async function remotePurge(remote: Remote, filter: PurgeFilter, signal: AbortSignal): Promise<PurgeResult> {
  const options = { method: 'DELETE', signal, patience: PATIENCE } as const
  const unreached = new Set<string>()
  const total = { removed: 0, bytes: 0 }
  for (const part of partsOf(filter)) {
    const answer = objectOf(remote, await ask(remote, 'entries/', formatEntryFilter(part), options))
    if (!isCount(answer.removed) || !isCount(answer.bytes) || typeof answer.dryRun !== 'boolean') throw notKiss(remote)
    total.removed += answer.removed
    total.bytes += answer.bytes
    for (const node of Array.isArray(answer.unreached) ? answer.unreached : []) unreached.add(String(node))
  }
  const missed = unreached.size > 0 && { unreached: [...unreached] }
  return { ...total, dryRun: filter.dryRun === true, ...missed }
}

/** Characters of the URLs and ids in one request: a server accepts a URL of 8,192 bytes. */
const NAMES = 6_000

/**
 * The filter in parts, each with few enough URLs and ids for one request. The bytes of a dry run are then the least that the
 * purge frees: a body that entries of two parts share counts in neither.
 */
function partsOf(filter: PurgeFilter): readonly PurgeFilter[] {
  const { urls = [], ids = [], ...others } = filter
  const parts: { readonly urls: URL[]; readonly ids: string[]; length: number }[] = []
  const place = (text: string): { readonly urls: URL[]; readonly ids: string[] } => {
    const length = new URLSearchParams({ url: text }).toString().length + '&'.length
    const last = parts.at(-1)
    const part = last && last.length + length <= NAMES ? last : { urls: [], ids: [], length: 0 }
    if (part !== last) parts.push(part)
    part.length += length
    return part
  }
  for (const url of urls) place(url.href).urls.push(url)
  for (const id of ids) place(id).ids.push(id)
  return parts.length === 0 ? [filter] : parts.map((part) => ({ ...others, urls: part.urls, ids: part.ids }))
}

async function ask({ server, client }: Remote, path: string, query: string, options: RemoteRequest): Promise<unknown> {
  const url = endpoint(server, path)
  url.search = query.replace(/^&/, '')
  return client.json(url, options)
}

function objectOf(remote: Remote, answer: unknown): Readonly<Record<string, unknown>> {
  if (typeof answer !== 'object' || answer === null) throw notKiss(remote)
  return answer as Record<string, unknown>
}

function notKiss({ client }: Remote): KissError {
  return new KissError('origin-failed', `${client.shown} does not answer as a kiss server`)
}

/** Is this one of the `entries` of a list? */
function isListedEntry(value: unknown): value is Omit<ListedEntry, 'id'> & { readonly id?: string } {
  if (typeof value !== 'object' || value === null) return false
  const {
    pinnedUntil = null,
    id = '',
    url,
    size,
    sha256,
    storedAt,
    staleAt,
    lastUsedAt,
    hits,
    private: isPrivate,
  } = value as Record<string, unknown>
  return (
    typeof id === 'string' &&
    (pinnedUntil === null || Number.isFinite(pinnedUntil)) &&
    typeof url === 'string' &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    [size, hits].every(isCount) &&
    [storedAt, staleAt, lastUsedAt].every((time) => typeof time === 'number' && Number.isFinite(time)) &&
    typeof isPrivate === 'boolean'
  )
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Is this the document of `/api/v1/status/`, of kiss or of KissCache? */
function isStatus(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const figures = Object.entries(value).filter(([key]) => /^(?:disk|resources|statistics)_/.test(key))
  return (
    figures.length > 0 &&
    figures.every(([, figure]) => typeof figure === 'number' && Number.isFinite(figure) && figure >= 0)
  )
}
