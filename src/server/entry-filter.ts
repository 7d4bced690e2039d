/** The filters of `kiss list` and `kiss purge` as query parameters. Pure. */

import type { PurgeFilter } from '../engine/types.js'
import { KissError } from '../errors.js'
import { parseUrl } from '../http/parse-url.js'
import { parseDuration, parseSize } from '../units.js'

type Mutable = { -readonly [Key in keyof PurgeFilter]: PurgeFilter[Key] }

const readers: Readonly<Record<string, (filter: Mutable, text: string, name: string) => void>> = {
  all: (filter, text, name) => void (filter.all = flag(text, name)),
  stale: (filter, text, name) => void (filter.stale = flag(text, name)),
  'dry-run': (filter, text, name) => void (filter.dryRun = flag(text, name)),
  'older-than': (filter, text, name) => void (filter.olderThan = parseDuration(text, name)),
  'unused-for': (filter, text, name) => void (filter.unusedFor = parseDuration(text, name)),
  'larger-than': (filter, text, name) => void (filter.largerThan = parseSize(text, name)),
  match: (filter, text) => void (filter.match = pattern(text)),
  id: (filter, text) => void (filter.ids = [...(filter.ids ?? []), idOf(text)]),
  url: (filter, text) => void (filter.urls = [...(filter.urls ?? []), parseUrl(text, 'url')]),
}

/** @throws KissError `usage`, also for an unknown parameter: an ignored filter would remove too much */
export function parseEntryFilter(query: string): PurgeFilter {
  const filter: Mutable = {}
  for (const [name, text] of new URLSearchParams(query)) {
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined
    if (read === undefined) throw new KissError('usage', `there is no filter ${JSON.stringify(name.slice(0, 40))}`)
    read(filter, text, name)
  }
  return filter
}

/** The query parameters of a filter. */
export function formatEntryFilter(filter: PurgeFilter): string {
  const { all, stale, dryRun, olderThan, unusedFor, largerThan, match, urls = [], ids = [] } = filter
  const query = new URLSearchParams()
  if (all === true) query.append('all', 'true')
  if (stale === true) query.append('stale', 'true')
  if (dryRun === true) query.append('dry-run', 'true')
  if (olderThan !== undefined) query.append('older-than', `${olderThan}ms`)
  if (unusedFor !== undefined) query.append('unused-for', `${unusedFor}ms`)
  if (largerThan !== undefined) query.append('larger-than', String(largerThan))
  if (match !== undefined) query.append('match', match)
  for (const { href } of urls) query.append('url', href)
  for (const id of ids) query.append('id', id)
  return query.toString()
}

/** The id of an entry, or a beginning of it. */
export const entryId = /^[0-9a-f]{8,64}(?:-[0-9a-f]{0,32})*$/

function idOf(text: string): string {
  if (entryId.test(text)) return text
  throw new KissError('usage', 'id: not the id of an entry, nor 8 or more characters of one')
}

/** Characters, and wildcards among them: every entry is compared with the pattern. */
const longestPattern = 500
const mostWildcards = 16

function pattern(text: string): string {
  if (text.length > longestPattern) throw new KissError('usage', `match: longer than ${longestPattern} characters`)
  const wildcards = text.match(/\*+|\?/g)?.length ?? 0
  if (wildcards > mostWildcards) throw new KissError('usage', `match: more than ${mostWildcards} wildcards`)
  return text
}

/** Does the filter have no condition? */
export function isEmptyFilter({
  all,
  stale,
  olderThan,
  unusedFor,
  largerThan,
  match,
  urls,
  ids,
}: PurgeFilter): boolean {
  const given = [olderThan, unusedFor, largerThan, match, urls, ids].some((value) => value !== undefined)
  return !given && all !== true && stale !== true
}

function flag(text: string, name: string): boolean {
  if (text !== 'true' && text !== 'false') throw new KissError('usage', `${name}: neither true nor false`)
  return text === 'true'
}
