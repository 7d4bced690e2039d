/** Selects entries by URLs, ids and filters, and removes them. */

import type { Store } from '../store/open.js'
import { keyOf, type Selection, selects } from '../store/select.js'
import type { Entry, KeyId } from '../store/types.js'
import { keyIdOf } from '../flight/subject.js'
import { textOf } from './names.js'
import type { Flights } from '../flight/flights.js'
import type { Purged } from './status.js'
import type { PurgeFilter } from './types.js'

export interface PurgeOptions {
  readonly store: Store
  readonly transfers: Flights
  readonly canonical: (url: URL) => URL
}

/** Milliseconds that a filter may occupy the event loop at a time. */
const BUSY = 10

/**
 * The entries that a filter selects, in the order of their ids; all of them for an empty one.
 * @param after begins behind this id
 */
export async function* select(
  filter: PurgeFilter,
  { store, canonical, now }: Pick<PurgeOptions, 'store' | 'canonical'> & { readonly now: number },
  after = '',
): AsyncIterable<Entry> {
  const named = idsOf(filter, canonical)
  const ids = named && (await withNamed(named, { store, canonical }))
  const selection = selectionOf(filter, ids)
  const isChosen = selects(isEmpty(selection) ? { all: true } : selection, now)
  let busySince = performance.now()
  for await (const entry of ids === undefined ? store.entries.list(after) : store.entries.some([...ids].sort())) {
    if (performance.now() - busySince > BUSY) {
      await new Promise(setImmediate)
      busySince = performance.now()
    }
    if (entry.id > after && isChosen(entry)) yield entry
  }
}

function selectionOf(filter: PurgeFilter, ids: readonly KeyId[] | undefined): Selection {
  const { all, stale, olderThan, unusedFor, match, largerThan } = filter
  const given = { all, stale, olderThan, unusedFor, match, largerThan, ids }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== false))
}

function isEmpty(selection: Selection): boolean {
  return Object.keys(selection).length === 0
}

/** Is there no condition beside `all`? Then the downloads in flight are selected too, which match no other filter yet. */
function isEverything(selection: Selection): boolean {
  return selection.all === true && Object.keys(selection).every((name) => name === 'all' || name === 'before')
}

type Naming = Pick<PurgeOptions, 'store' | 'canonical'>

/** Ids of the keys that are named by URL, and ids or beginnings of ids; undefined if the filter names none. */
function idsOf({ urls, ids }: Pick<PurgeFilter, 'urls' | 'ids'>, canonical: Naming['canonical']): KeyId[] | undefined {
  if (urls === undefined && ids === undefined) return undefined
  return [...(urls ?? []).map((url) => keyIdOf(canonical(url))), ...(ids ?? [])]
}

/** These ids, and the ids of the URLs that they are names of in this store. A beginning becomes the id that it begins. */
async function withNamed(ids: readonly KeyId[], naming: Naming): Promise<KeyId[]> {
  const { entries } = naming.store
  const whole = await Promise.all(ids.map(async (id) => (isWhole(id) ? id : ((await entries.find(id))?.id ?? []))))
  const all = new Set<KeyId>()
  for (let more = new Set(whole.flat()); more.size > 0;) {
    for (const id of more) all.add(id)
    const names = await entries.names([...more])
    more = new Set()
    for (const name of names) {
      const id = await targetOf(name, naming)
      if (id !== undefined && !all.has(id)) more.add(id)
    }
  }
  return [...all]
}

/** The id of the URL that a name leads to. */
async function targetOf(name: Entry, { store, canonical }: Naming): Promise<KeyId | undefined> {
  const blob = await store.open(name)
  if (blob === undefined) return undefined
  try {
    const text = await textOf(blob)
    return URL.canParse(text) ? keyIdOf(canonical(new URL(text))) : undefined
  } finally {
    await blob.close()
  }
}

/** A filter whose URLs are ids. */
export interface PlannedPurge {
  /** Ids or beginnings of ids. Absent: the filter names none. */
  readonly ids: readonly KeyId[] | undefined
  readonly selection: Omit<Selection, 'ids'>
}

export function plan(filter: PurgeFilter, canonical: PurgeOptions['canonical']): PlannedPurge {
  return { ids: idsOf(filter, canonical), selection: selectionOf(filter, undefined) }
}

/**
 * Removes the selected entries; their readers finish from their open files. A download in flight of a named URL, or any
 * download under `all`, serves its readers and is not stored.
 */
export async function purge(
  { ids: asked, selection }: PlannedPurge,
  dryRun: boolean,
  { store, transfers, canonical }: PurgeOptions,
): Promise<Purged> {
  if (!dryRun) store.toWrite()
  const ids = asked && (await withNamed(asked, { store, canonical }))
  if (!dryRun && isEverything({ ...selection, ...(ids && { ids }) })) await transfers.purgeAll()
  if (!dryRun && ids) await Promise.all(ids.map((id) => transfers.purge(keyOf(id))))
  const { removed, bytes } = await store.purge({ ...selection, ...(ids && { ids }) }, { dryRun })
  const known = new Set(asked)
  return { removed, bytes, dryRun, named: (ids ?? []).filter((id) => !known.has(id)) }
}

/** A hash, and hashes behind hyphens: not only the beginning of an id. */
const isWhole = (id: string): boolean => /^[0-9a-f]{64}(-[0-9a-f]{32})*$/.test(id)
