/** `kiss purge`: the selection, and the question before the removal. */

import { createInterface } from 'node:readline/promises'
import type { PurgeFilter, PurgeResult } from '../../engine/types.js'
import { KissError } from '../../errors.js'
import { parseUrl } from '../../http/parse-url.js'
import { entryId, isEmptyFilter } from '../../server/entry-filter.js'
import { formatSize } from '../../units.js'
import type { BaseCommand } from '../base-command.js'
import { openEngine } from '../open-engine.js'
import type { SettingValues } from '../settings/table.js'
import type { Showable } from './list.js'

/** Removes the entries that a filter selects, from the local cache or that of a server. */
export type Purge = (filter: PurgeFilter) => Promise<PurgeResult>

/** @throws KissError `usage` without a filter: purging everything needs `--all`. */
export function purgeFilter(args: readonly string[], values: SettingValues): PurgeFilter {
  const filter: PurgeFilter = {
    ...(values.all ? { all: true } : {}),
    ...named(args),
    ...entryFilter(values),
  }
  if (isEmptyFilter(filter)) {
    throw new KissError('usage', 'name URLs or a filter', { hint: '--all removes everything' })
  }
  return { ...filter, dryRun: values['dry-run'] }
}

/** URLs and ids among the arguments. Entries that differ in a hidden query share a displayable URL: `kiss list` shows their ids. */
export function named(args: readonly string[]): Pick<PurgeFilter, 'urls' | 'ids'> {
  const ids = args.filter((argument) => entryId.test(argument))
  const urls = args.filter((argument) => !ids.includes(argument)).map((argument) => parseUrl(argument))
  return { ...(urls.length === 0 ? {} : { urls }), ...(ids.length === 0 ? {} : { ids }) }
}

/** The filters that `kiss list` and `kiss purge` share. */
export function entryFilter(values: SettingValues): PurgeFilter {
  const { stale, match, 'older-than': olderThan, 'unused-for': unusedFor, 'larger-than': largerThan } = values
  return {
    ...(stale ? { stale } : {}),
    ...(match === undefined ? {} : { match }),
    ...(olderThan === undefined ? {} : { olderThan }),
    ...(unusedFor === undefined ? {} : { unusedFor }),
    ...(largerThan === undefined ? {} : { largerThan }),
  }
}

export async function runPurge(
  command: BaseCommand,
  filter: PurgeFilter,
  yes: boolean,
  purge: Purge,
): Promise<PurgeResult & { readonly declined?: true }> {
  if (yes || filter.dryRun === true) return purge(filter)
  if (!canAsk()) throw new KissError('usage', 'without a terminal to ask on, purge needs --yes')
  const chosen = await purge({ ...filter, dryRun: true })
  if (chosen.removed === 0) return { ...chosen, dryRun: false }
  const agreed = await confirm(`Remove ${amount(chosen)}?`, command.stop)
  return agreed ? purge(filter) : { removed: 0, bytes: 0, dryRun: false, declined: true }
}

/** Changes the quota of the local cache directory and reports the evicted bytes. */
export async function setQuota(
  command: BaseCommand,
  args: readonly string[],
  values: SettingValues,
  quota: number,
): Promise<PurgeResult> {
  const others = { ...entryFilter(values), ...(values.all ? { all: true } : {}), ...(args.length > 0 ? { args } : {}) }
  if (Object.keys(others).length > 0)
    throw new KissError('usage', '--set-quota cannot be combined with URLs or filters')
  if (values.server.length > 0)
    throw new KissError('usage', '--set-quota is for the local cache', { hint: 'a server has --quota' })
  if (values['dry-run']) throw new KissError('usage', '--set-quota has no --dry-run')
  const engine = await openEngine(command)
  try {
    const before = await engine.status()
    await engine.setQuota(quota === 0 ? undefined : quota)
    const after = await engine.status()
    const evicted = before.entries - after.entries
    const what = quota === 0 ? 'no quota' : `quota ${formatSize(quota)}`
    const result = { removed: evicted, bytes: before.usage.blobs - after.usage.blobs, dryRun: false }
    command.log(evicted > 0 ? `${what}; evicted ${amount(result)}` : what)
    return result
  } finally {
    await engine.close()
  }
}

/** @param chosen what the filter selected before it was removed */
export function purgeLine(result: PurgeResult, chosen: readonly Showable[]): string {
  const sum = chosen.reduce((bytes, { size }) => bytes + size, 0)
  const shared =
    result.removed > 0 && result.bytes < sum && formatSize(result.bytes) !== formatSize(sum)
      ? `; their sizes add up to ${formatSize(sum)}, but a body is freed once, and not while another entry shares it`
      : ''
  return `${result.dryRun ? 'would remove' : 'removed'} ${amount(result)}${shared}`
}

function amount({ removed, bytes }: PurgeResult): string {
  return `${removed} ${removed === 1 ? 'entry' : 'entries'}, ${formatSize(bytes)}`
}

/** A user can be asked: standard input and standard error are terminals. */
function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

/** `y` and `yes` mean yes; any other input, or its end, means no. Rejects with the reason of the signal. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  // Not in raw mode: Ctrl-C stays a signal.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false })
  try {
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), closed])
    return /^y(?:es)?$/i.test(answer.trim())
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    lines.close()
  }
}
