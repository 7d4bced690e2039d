/** `kiss pin` and `kiss unpin`: their arguments and their output. */

import type { PurgeFilter, ShownEntry } from '../../engine/types.js'
import { KissError } from '../../errors.js'
import { displayUrl } from '../../http/urls.js'
import { formatRoughly, formatSize } from '../../units.js'
import type { BaseCommand } from '../base-command.js'
import type { FailureJson } from '../failure.js'
import { jobUrls } from '../job-urls.js'
import type { SettingValues } from '../settings/table.js'
import { listedEntry, type ListedEntry } from '../../server/entries.js'
import { named } from './purge.js'

export interface PinReport {
  readonly entries: readonly ListedEntry[]
  /** Present if a named entry is not in the cache. */
  readonly error?: FailureJson
}

/** One URL or id each, so that missing entries can be named. @throws KissError `usage` without an argument */
export async function choices(
  command: BaseCommand,
  args: readonly string[],
  { job }: SettingValues,
): Promise<PurgeFilter[]> {
  const urls = await jobUrls(command.config, job)
  const all = [...args.map((argument) => named([argument])), ...urls.map((url) => ({ urls: [url] }))]
  if (all.length === 0) throw new KissError('usage', 'name URLs, ids of entries, or with --job a job file')
  return all
}

/** Applies `work` to each; a missing entry is reported and does not stop the others. */
export async function each(
  command: BaseCommand,
  chosen: readonly PurgeFilter[],
  work: (filter: PurgeFilter) => Promise<ShownEntry[]>,
  hint?: string,
): Promise<PinReport> {
  const entries: ShownEntry[] = []
  const missing: string[] = []
  for (const filter of chosen) {
    const done = await work(filter)
    entries.push(...done)
    if (done.length === 0) missing.push(...(filter.urls ?? []).map(displayUrl), ...(filter.ids ?? []))
  }
  const listed = entries.map(listedEntry)
  if (missing.length === 0) return { entries: listed }
  const failures = missing.map(
    (what) => new KissError('offline', `${what} is not in the cache`, { ...(hint !== undefined && { hint }) }),
  )
  const more = hint === undefined ? '' : `; ${hint}`
  if (!command.jsonEnabled()) for (const { message } of failures) command.note(`kiss: ${message}${more}`)
  return { entries: listed, error: command.failed(failures[0]) }
}

/** `pinned 2 entries, 1.2 GiB, for 30d`. @param until milliseconds from now */
export function pinLine(verb: string, entries: readonly ListedEntry[], until?: number): string {
  const bytes = entries.reduce((sum, { size }) => sum + size, 0)
  const span = until === undefined ? '' : `, for ${formatRoughly(until)}`
  return `${verb} ${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}, ${formatSize(bytes)}${span}`
}
