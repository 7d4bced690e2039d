/** What `kiss stats`, `kiss list` and `kiss purge` ask of a kiss server. */

import type { PurgeFilter, PurgeResult } from '../../engine/types.js'
import { KissError } from '../../errors.js'
import type { ListedEntry } from '../../server/entries.js'
import { formatEntryFilter } from '../../server/entry-filter.js'
import type { RemoteRequest } from './client.js'
import { endpoint } from './endpoint.js'
import type { Remote } from './open.js'

/** Milliseconds: a server that has a hundred thousand entries to look through still answers in that time. */
const PATIENCE = 60_000

/** The document of `/api/v1/status/`. */
export async function remoteStatus(remote: Remote, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
  return objectOf(remote, await ask(remote, 'status/', '', { signal, patience: PATIENCE }))
}

export async function remoteEntries(remote: Remote, filter: PurgeFilter, signal: AbortSignal): Promise<ListedEntry[]> {
  const answer = objectOf(
    remote,
    await ask(remote, 'entries/', formatEntryFilter(filter), { signal, patience: PATIENCE }),
  )
  if (!Array.isArray(answer.entries)) throw notKiss(remote)
  return answer.entries as ListedEntry[]
}

export async function remotePurge(remote: Remote, filter: PurgeFilter, signal: AbortSignal): Promise<PurgeResult> {
  const options = { method: 'DELETE', signal, patience: PATIENCE } as const
  const { removed, bytes, dryRun } = objectOf(remote, await ask(remote, 'entries/', formatEntryFilter(filter), options))
  if (typeof removed !== 'number' || typeof bytes !== 'number' || typeof dryRun !== 'boolean') throw notKiss(remote)
  return { removed, bytes, dryRun }
}

async function ask({ server, client }: Remote, path: string, query: string, options: RemoteRequest): Promise<unknown> {
  const url = endpoint(server, path)
  url.search = query
  return client.json(url, options)
}

function objectOf(remote: Remote, answer: unknown): Readonly<Record<string, unknown>> {
  if (typeof answer !== 'object' || answer === null) throw notKiss(remote)
  return answer as Record<string, unknown>
}

function notKiss({ client }: Remote): KissError {
  return new KissError('origin-failed', `${client.shown} does not answer as a kiss server`)
}
