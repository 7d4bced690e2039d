/** Selects entries by URLs, ids and filters, and removes them. */

import type { Store } from '../store/open.js'
import { keyOf, type Selection, selects } from '../store/select.js'
import type { Entry, KeyId } from '../store/types.js'
import { keyIdOf } from '../flight/subject.js'
import { isName } from '../store/names.js'
import { textOf } from './names.js'
import type { Flights } from '../flight/flights.js'
import type { PurgeFilter, PurgeResult } from './types.js'

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
  const ids = await idsOf(filter, { store, canonical })
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

type Naming = Pick<PurgeOptions, 'store' | 'canonical'>

/** Whole ids of the entries that are named by URL or by id; undefined if the filter names none. */
async function idsOf({ urls, ids }: Pick<PurgeFilter, 'urls' | 'ids'>, naming: Naming): Promise<KeyId[] | undefined> {
  if (urls === undefined && ids === undefined) return undefined
  const { entries } = naming.store
  const found = (ids ?? []).map(async (id) => (isWhole(id) ? id : ((await entries.find(id))?.id ?? [])))
  const named = new Set<KeyId>()
  for (const url of urls ?? []) await addIds(url, named, naming)
  return [...named, ...(await Promise.all(found)).flat()]
}

/** Adds the id of a URL, and the ids of the URLs that it is a name of. */
async function addIds(url: URL, ids: Set<KeyId>, { store, canonical }: Naming): Promise<void> {
  const id = keyIdOf(canonical(url))
  if (ids.has(id)) return
  ids.add(id)
  for await (const entry of store.entries.some([id])) {
    const blob = isName(entry) ? await store.open(entry) : undefined
    if (blob === undefined) continue
    try {
      const text = await textOf(blob)
      if (URL.canParse(text)) await addIds(new URL(text), ids, { store, canonical })
    } finally {
      await blob.close()
    }
  }
}

/** A filter whose URLs and beginnings of ids are ids. */
export interface PlannedPurge {
  /** Absent: the filter names no ids. */
  readonly ids: readonly KeyId[] | undefined
  readonly selection: Omit<Selection, 'ids'>
}

export async function plan(
  filter: PurgeFilter,
  { store, canonical }: Pick<PurgeOptions, 'store' | 'canonical'>,
): Promise<PlannedPurge> {
  return { ids: await idsOf(filter, { store, canonical }), selection: selectionOf(filter, undefined) }
}

/**
 * Removes the selected entries; their readers finish from their open files. A download in flight of a named URL, or any
 * download under `all`, serves its readers and is not stored.
 */
export async function purge(
  { ids, selection }: PlannedPurge,
  dryRun: boolean,
  { store, transfers }: Pick<PurgeOptions, 'store' | 'transfers'>,
): Promise<PurgeResult> {
  if (!dryRun) store.toWrite()
  if (!dryRun && selection.all) await transfers.purgeAll()
  if (!dryRun && ids) await Promise.all(ids.map((id) => transfers.purge(keyOf(id))))
  const purged = await store.purge({ ...selection, ...(ids && { ids }) }, { dryRun })
  return { ...purged, dryRun }
}

const isWhole = (id: string): boolean => id.length === 64
