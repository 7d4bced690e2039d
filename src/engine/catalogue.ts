/** The pages of the list of entries, for everybody and for the administrator. */

import {
  type EntryChoice,
  type HostFigures,
  type ListedRow,
  type Listing,
  type Right,
  type SortOrder,
} from '../store/listing.js'
import type { Entry, KeyId } from '../store/types.js'
import type { Clock } from '../flight/collaborators.js'
import type { ListedAccess } from '../flight/access.js'
import { figuresByHost } from './host-figures.js'
import { type Catalogue, type EntryPage, PAGE_SIZE, type PageQuery, type ShownEntry, type Viewer } from './listed.js'

export interface CatalogueOptions {
  readonly listing: Listing
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  readonly isListed: (noted: ListedAccess) => boolean
  readonly shown: (entry: Entry, pinnedUntil?: number) => ShownEntry
}

const everything: EntryChoice = { search: '', host: '', state: undefined, largerThan: undefined }
/** The order that needs no sorting. */
const inIndexOrder: SortOrder = { sort: 'used', reverse: false }
/** Rows that are read at once. */
const BATCH = 2_000
/** The figures of hosts read the whole index: they are used again for so many times as long as they took. */
const REUSE = 10

/** The entries that are chosen by their rights: those of some rights, and those of undecided ones that are (not) listed. */
interface Sight {
  readonly sure: readonly Right[]
  /** undefined: no decision is necessary. */
  readonly undecided?: 'listed' | 'private'
}

function sightOf(viewer: Viewer, state: EntryChoice['state']): Sight {
  if (viewer === 'anyone') return state === 'private' ? { sure: [] } : { sure: ['public'], undecided: 'listed' }
  return state === 'private'
    ? { sure: ['private'], undecided: 'private' }
    : { sure: ['public', 'private', 'undecided'] }
}

export class EntryCatalogue implements Catalogue {
  readonly #o: CatalogueOptions
  readonly #hosts = new Map<Viewer, { readonly until: number; readonly figures: Promise<readonly HostFigures[]> }>()

  constructor(options: CatalogueOptions) {
    this.#o = options
  }

  /** Providers decide the rights of single entries until the page is full: with such entries there is no total. */
  async page(query: PageQuery, viewer: Viewer): Promise<EntryPage> {
    const { listing, clock } = this.#o
    const { sure, undecided } = sightOf(viewer, query.state)
    const counts = await listing.counts(query, clock.now())
    if (undecided !== undefined && counts.undecided > 0) return this.#decidedPage(query, { sure, undecided })
    const total = sure.reduce((sum, right) => sum + counts[right], 0)
    const page = lastOf(query.page, total)
    const offset = (page - 1) * PAGE_SIZE
    const limit = Math.min(PAGE_SIZE, total - offset)
    const behind = total - offset - limit
    // SQLite sorts all that is before the page: a page of the second half is read from the end.
    const isNearEnd = behind < offset
    const order = { sort: query.sort, reverse: query.reverse !== isNearEnd }
    const range = { offset: isNearEnd ? behind : offset, limit }
    const rows = total === 0 ? [] : await listing.rows(query, sure, order, range, clock.now())
    const ids = rows.map(({ id }) => id)
    return { items: await this.#shown(isNearEnd ? ids.reverse() : ids), page, total }
  }

  async ids(choice: EntryChoice): Promise<KeyId[]> {
    const found: KeyId[] = []
    for await (const { id } of this.#rows(choice, sightOf('admin', choice.state), inIndexOrder)) found.push(id)
    return found
  }

  hosts(viewer: Viewer): Promise<readonly HostFigures[]> {
    const { clock } = this.#o
    const known = this.#hosts.get(viewer)
    if (known !== undefined && clock.monotonic() < known.until) return known.figures
    const began = clock.monotonic()
    const figures = this.#hostsOf(viewer)
    this.#hosts.set(viewer, { until: Infinity, figures })
    const keep = (until: number): void => void this.#hosts.set(viewer, { until, figures })
    figures.then(
      () => keep(clock.monotonic() + REUSE * (clock.monotonic() - began)),
      () => keep(0),
    )
    return figures
  }

  async #hostsOf(viewer: Viewer): Promise<readonly HostFigures[]> {
    const { sure, undecided } = sightOf(viewer, undefined)
    const decided: ListedRow[] = []
    if (undecided !== undefined) {
      for await (const row of this.#rows(everything, { sure: [], undecided }, inIndexOrder)) decided.push(row)
    }
    return figuresByHost(decided, await this.#o.listing.hosts(sure))
  }

  async #decidedPage(query: PageQuery, sight: Sight): Promise<EntryPage> {
    const ids: KeyId[] = []
    let isEnd = true
    for await (const { id } of this.#rows(query, sight, query)) {
      if (ids.length === query.page * PAGE_SIZE) {
        isEnd = false
        break
      }
      ids.push(id)
    }
    const page = isEnd ? lastOf(query.page, ids.length) : query.page
    const items = await this.#shown(ids.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE))
    return { items, page, total: isEnd ? ids.length : undefined }
  }

  /** In batches, so that a long index is neither in memory as a whole nor occupies the event loop. */
  async *#rows(choice: EntryChoice, { sure, undecided }: Sight, order: SortOrder): AsyncIterable<ListedRow> {
    const { listing, clock, isListed } = this.#o
    const now = clock.now()
    const of: readonly Right[] = undecided === undefined ? sure : [...sure, 'undecided']
    for (let offset = 0; ; offset += BATCH) {
      const rows = await listing.rows(choice, of, order, { offset, limit: BATCH }, now)
      for (const row of rows) {
        const { right, url, access } = row
        const isChosen =
          right !== 'undecided' ||
          undecided === undefined ||
          isListed({ shown: url, access: access ?? undefined, private: false }) === (undecided === 'listed')
        if (isChosen) yield row
      }
      if (rows.length < BATCH) return
    }
  }

  async #shown(ids: readonly KeyId[]): Promise<ShownEntry[]> {
    const entries = await this.#o.listing.entries(ids, this.#o.clock.now())
    return entries.map(([entry, pinnedUntil]) => this.#o.shown(entry, pinnedUntil))
  }
}

/** The page, or the last one if there are fewer. */
function lastOf(page: number, total: number): number {
  return Math.min(page, Math.max(1, Math.ceil(total / PAGE_SIZE)))
}
