/** The filters of the last purges, for a body on its way from another node: it is old content that no list of entries shows yet. */

import type { Clock } from '../clock.js'
import { type Selection, selects } from './select.js'
import type { Entry } from './types.js'

/** Milliseconds, longer than a body is on its way between nodes. */
const REMEMBERED = 600_000
const MOST = 100

interface RecentPurge {
  readonly isSelected: (entry: Entry) => boolean
  /** Milliseconds, monotonic. */
  readonly at: number
}

export class RecentPurges {
  readonly #clock: Pick<Clock, 'now'>
  #purges: readonly RecentPurge[] = []

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Called before the entries are listed. A purge by ids marks the downloads in flight itself. */
  note(selection: Selection): void {
    if (selection.ids !== undefined) return
    const now = this.#clock.now()
    const isSelected = selects({ ...selection, before: selection.before ?? now }, now)
    this.#purges = [...this.#recent(), { isSelected, at: performance.now() }].slice(-MOST)
  }

  /** Asked after the entry was written: a purge that is noted later finds it in the list. */
  select(entry: Entry): boolean {
    return this.#recent().some(({ isSelected }) => isSelected(entry))
  }

  #recent(): readonly RecentPurge[] {
    const since = performance.now() - REMEMBERED
    return this.#purges.filter(({ at }) => at > since)
  }
}
