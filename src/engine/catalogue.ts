/** The list of entries in pages, and the figures of hosts, for everybody and for the administrator. */

import {
  type EntryChoice,
  type HostFigures,
  type ListedRow,
  type Listing,
  type Right,
  type SortOrder,
} from '../store/listing.js'
import type { Entry, KeyId } from '../store/types.js'
import type { Clock } from '../clock.js'
import type { ListedAccess } from '../flight/access.js'
import { hostOf } from '../http/urls.js'

export type { HostFigures } from '../store/listing.js'

/** An entry as it is listed. */
export interface ShownEntry extends Entry {
  /** Milliseconds since the epoch, or Infinity: the end of its pin, which protects it from the quota and from filters. Absent: no pin. */
  readonly pinnedUntil?: number
}

/** Number of entries on a page. */
export const PAGE_SIZE = 50

/** Private entries are shown to the administrator only. */
export type Viewer = 'anyone' | 'admin'

export interface PageQuery extends EntryChoice, SortOrder {
  /** From 1; a page beyond the last one is the last one. */
  readonly page: number
}

export interface EntryPage {
  readonly items: readonly ShownEntry[]
  readonly page: number
  /** Number of entries on all pages. */
  readonly total: number
}

export interface Catalogue {
  page(query: PageQuery, viewer: Viewer): Promise<EntryPage>
  /** The figures of each host, the largest first. */
  hosts(viewer: Viewer): Promise<readonly HostFigures[]>
  /** Every entry that an administrator chooses. */
  ids(choice: EntryChoice): Promise<KeyId[]>
}

export interface CatalogueOptions {
  readonly listing: Listing
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  readonly isListed: (noted: ListedAccess) => boolean
  readonly shown: (entry: Entry, pinnedUntil?: number) => ShownEntry
}

const everything: EntryChoice = { search: '', host: '', state: undefined, largerThan: undefined }
/** The order that needs no sorting. */
const inIndexOrder: SortOrder = { sort: 'used', reverse: false }
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

  /** The total and the pages depend on nothing that the viewer may not see. */
  async page(query: PageQuery, viewer: Viewer): Promise<EntryPage> {
    const { listing, clock } = this.#o
    const { sure, undecided } = sightOf(viewer, query.state)
    const counts = await listing.counts(query, clock.now())
    const decided = counts.undecided > 0 ? (await this.#decided(query, undecided)).map(({ id }) => id) : []
    const total = sure.reduce((sum, right) => sum + counts[right], decided.length)
    const page = lastOf(query.page, total)
    const offset = (page - 1) * PAGE_SIZE
    const limit = Math.min(PAGE_SIZE, total - offset)
    const behind = total - offset - limit
    // SQLite sorts all that is before the page: a page of the second half is read from the end.
    const isNearEnd = behind < offset
    const order = { sort: query.sort, reverse: query.reverse !== isNearEnd }
    const range = { offset: isNearEnd ? behind : offset, limit }
    const rows = total === 0 ? [] : await listing.rows(query, { rights: sure, ids: decided }, order, range, clock.now())
    const ids = rows.map(({ id }) => id)
    const items = await this.#shown(isNearEnd ? ids.reverse() : ids)
    // An entry may have become private since it was selected.
    return { items: viewer === 'admin' ? items : items.filter((entry) => !entry.private), page, total }
  }

  async ids(choice: EntryChoice): Promise<KeyId[]> {
    const { sure, undecided } = sightOf('admin', choice.state)
    const rows = [...(await this.#all(choice, sure)), ...(await this.#decided(choice, undecided))]
    return rows.map(({ id }) => id)
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
    return figuresByHost(await this.#decided(everything, undecided), await this.#o.listing.hosts(sure))
  }

  /** The chosen entries whose rights the providers decide, with this decision. */
  async #decided(choice: EntryChoice, decision: Sight['undecided']): Promise<ListedRow[]> {
    if (decision === undefined) return []
    const rows = await this.#all(choice, ['undecided'])
    return rows.filter(({ url, access }) => {
      const isListed = this.#o.isListed({ shown: url, access: access ?? undefined, private: false })
      return isListed === (decision === 'listed')
    })
  }

  /** One statement: entries that are used meanwhile change their places in the index. */
  #all(choice: EntryChoice, rights: readonly Right[]): Promise<ListedRow[]> {
    const range = { offset: 0, limit: -1 }
    return this.#o.listing.rows(choice, { rights }, inIndexOrder, range, this.#o.clock.now())
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

/** The fields of an entry that are summed. */
interface StoredOf {
  readonly url: string
  readonly size: number
  readonly hits: number
}

/** Sums the entries of each host, the largest first. @param summed figures that the entries are added to */
export function figuresByHost(entries: Iterable<StoredOf>, summed: readonly HostFigures[] = []): HostFigures[] {
  const figures = new Map<string, HostFigures>(summed.map((of) => [of.host, of]))
  for (const { url, size, hits } of entries) {
    const host = hostOf(url)
    const before = figures.get(host) ?? { host, entries: 0, bytes: 0, hits: 0 }
    figures.set(host, { host, entries: before.entries + 1, bytes: before.bytes + size, hits: before.hits + hits })
  }
  return [...figures.values()].sort((a, b) => b.bytes - a.bytes || (a.host < b.host ? -1 : 1))
}
