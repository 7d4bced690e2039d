/** Entries as they are listed: one by one, and in pages. */

import type { EntryChoice, HostFigures, SortOrder } from '../store/listing.js'
import type { Entry, KeyId } from '../store/types.js'

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
