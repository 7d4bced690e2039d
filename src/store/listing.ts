/** Selects, sorts, counts and sums entries in SQL. The statements of a list read the index on the listed fields, not the rows. */

import type { Parameter } from './index/connection.js'
import type { Database } from './index/database.js'
import { CREATE_LISTED_INDEX, ENTRIES, IS_NAME, LISTED_FIELDS, LISTED_INDEX } from './index/schema.js'
import { NAME } from './names.js'
import { pinnedEntries } from './pins.js'
import type { Access, Entry, KeyId } from './types.js'

export const sortKeys = ['url', 'host', 'size', 'age', 'fresh', 'used', 'hits'] as const
export type SortKey = (typeof sortKeys)[number]

/** The first sort order of each column: largest, youngest, last used, most used, next stale. */
export interface SortOrder {
  readonly sort: SortKey
  readonly reverse: boolean
}

export const states = ['fresh', 'stale', 'pinned', 'unverified', 'private'] as const
export type State = (typeof states)[number]

/** An entry must satisfy all conditions. A value '' or undefined is no condition. */
export interface EntryChoice {
  /** Part of a URL, case-insensitive. */
  readonly search: string
  /** The whole host, with its port. */
  readonly host: string
  /** `private` is decided by the caller, by {@link Right}. */
  readonly state: State | undefined
  /** Minimum size in bytes, exclusive. */
  readonly largerThan: number | undefined
  /** Entries that a purge by filter may remove: not pinned, and stored until this time (milliseconds since the epoch). */
  readonly purgeable?: number | undefined
}

/** What an entry itself says about its readers: everybody, not everybody, or what its provider decides. */
export const rights = {
  public: `private = 0 AND access = 'public'`,
  private: `private = 1`,
  undecided: `private = 0 AND access IS NOT 'public'`,
} as const
export type Right = keyof typeof rights

/** Entries of some rights, and single ones. */
export interface Rightful {
  readonly rights: readonly Right[]
  readonly ids?: readonly KeyId[]
}

export interface ListedRow {
  readonly id: KeyId
  readonly url: string
  /** Bytes. */
  readonly size: number
  readonly hits: number
  readonly access: Access | null
  readonly right: Right
}

/** The size of the entries of one host, and the number of their hits. */
export interface HostFigures {
  readonly host: string
  readonly entries: number
  readonly bytes: number
  readonly hits: number
}

export interface Range {
  readonly offset: number
  /** -1: no limit. */
  readonly limit: number
}

/** As `hostOf` (http/urls.ts). */
const afterScheme = `replace(replace(substr(url, instr(url, '://') + 3), '?', '/'), '#', '/')`
const HOST = `substr(${afterScheme}, 1, instr(${afterScheme} || '/', '/') - 1)`

/** The same as `HOST = ?`, in half the time; both parameters are the host, without `/`, `?` and `#`. */
const OF_HOST = `instr(url, '://') IN (instr(url || '/', '://' || ? || '/'), instr(url, '://' || ? || '?'))`

/** Without names, which are not listed. */
const LISTED = `WITH listed AS NOT MATERIALIZED (
  SELECT key, ${Object.entries(LISTED_FIELDS)
    .map(([name, field]) => `${field} AS ${name}`)
    .join(', ')} FROM ${ENTRIES} INDEXED BY ${LISTED_INDEX} WHERE ${LISTED_FIELDS.source} IS NOT '${NAME}')`

const orders: Readonly<Record<SortKey, string>> = {
  url: 'url',
  host: HOST,
  size: 'size DESC',
  age: 'stored_at DESC',
  fresh: 'stale_at',
  used: 'used DESC',
  hits: 'hits DESC',
}

export class Listing {
  readonly #database: Pick<Database, 'browse' | 'query'>
  readonly #withUses: (entry: Entry) => Entry

  /** @param withUses adds the uses that are not written yet */
  constructor(database: Pick<Database, 'browse' | 'query'>, withUses: (entry: Entry) => Entry) {
    this.#database = database
    this.#withUses = withUses
  }

  /** Hits by day (days since the epoch, UTC), without those that are not written yet. */
  async hitsByDay(id: KeyId): Promise<ReadonlyMap<number, number>> {
    const rows = await this.#database.query<{ day: number; n: number }>('SELECT day, n FROM hits WHERE id = ?', id)
    return new Map(rows.map(({ day, n }) => [day, n]))
  }

  /** Bytes of all bodies, each counted once for every entry that names it; names are not counted. */
  async logicalSize(): Promise<number> {
    const [row] = await this.#database.query<{ n: number }>(
      `SELECT (SELECT coalesce(sum(size * entries), 0) FROM blobs)
        - (SELECT coalesce(sum(json_extract(value, '$.value.size')), 0) FROM ${ENTRIES} WHERE ${IS_NAME}) AS n`,
    )
    return row?.n ?? 0
  }

  /** The number of entries; names do not count. */
  async count(): Promise<number> {
    const [row] = await this.#database.query<{ n: number }>(
      `SELECT (SELECT count(*) FROM ${ENTRIES}) - (SELECT count(*) FROM ${ENTRIES} WHERE ${IS_NAME}) AS n`,
    )
    return row?.n ?? 0
  }

  /** The number of the chosen entries by their right. */
  async counts(choice: EntryChoice, now: number): Promise<Readonly<Record<Right, number>>> {
    const { where, parameters } = conditions(choice, now)
    const sums = Object.entries(rights).map(([right, condition]) => `count(*) FILTER (WHERE ${condition}) AS ${right}`)
    const [row] = await this.#query<Record<Right, number>>(
      `${LISTED} SELECT ${sums.join(', ')} FROM listed WHERE ${where}`,
      parameters,
    )
    return row ?? { public: 0, private: 0, undecided: 0 }
  }

  async rows(
    choice: EntryChoice,
    of: Rightful,
    order: SortOrder,
    { offset, limit }: Range,
    now: number,
  ): Promise<ListedRow[]> {
    const { where, parameters } = conditions(choice, now)
    return this.#query<ListedRow>(
      `${LISTED} SELECT key AS id, url, size, hits, access, ${rightOf} AS right FROM listed
        WHERE (${where}) AND (${anyOf(of.rights)} OR key IN (SELECT value FROM json_each(?)))
        ORDER BY ${orderBy(order)} LIMIT ? OFFSET ?`,
      [...parameters, JSON.stringify(of.ids ?? []), limit, offset],
    )
  }

  /** The sums of each host, in no order. */
  async hosts(of: readonly Right[]): Promise<HostFigures[]> {
    // The limit keeps SQLite from merging the two queries into one that reads the rows.
    return this.#query<HostFigures>(
      `${LISTED} SELECT host, count(*) AS entries, sum(size) AS bytes, sum(hits) AS hits
        FROM (SELECT ${HOST} AS host, size, hits FROM listed WHERE ${anyOf(of)} LIMIT -1) GROUP BY host`,
      [],
    )
  }

  /** The entries of these ids in their order, without those that were removed; and when the pin of each ends. */
  async entries(ids: readonly KeyId[], now: number): Promise<(readonly [entry: Entry, pinnedUntil?: number])[]> {
    const rows = await this.#query<{ value: string; pinned: 0 | 1; until: number | null }>(
      `SELECT e.value, pins.id IS NOT NULL AS pinned, pins.until FROM json_each(?1) AS wanted
        JOIN ${ENTRIES} AS e ON e.key = wanted.value
        LEFT JOIN pins ON pins.id = e.key AND (pins.until IS NULL OR pins.until > ?2) ORDER BY wanted.key`,
      [JSON.stringify(ids), now],
    )
    return rows.map(({ value, pinned, until }) => {
      const entry = this.#withUses((JSON.parse(value) as { value: Entry }).value)
      return pinned === 1 ? [entry, until ?? Infinity] : [entry]
    })
  }

  #query<Row>(sql: string, parameters: readonly Parameter[]): Promise<Row[]> {
    return this.#database.browse(async ({ query }) => {
      await query(CREATE_LISTED_INDEX)
      return query<Row>(sql, ...parameters)
    })
  }
}

const rightOf = `CASE ${Object.entries(rights)
  .map(([right, condition]) => `WHEN ${condition} THEN '${right}'`)
  .join(' ')} END`

function anyOf(of: readonly Right[]): string {
  return of.length === 0 ? '0' : `(${of.map((right) => rights[right]).join(' OR ')})`
}

/** Entries that are equal in the sorted column are sorted by URL and id, so that each has one place. */
function orderBy({ sort, reverse }: SortOrder): string {
  return [orders[sort], 'url', 'key'].map((term) => (reverse ? reversed(term) : term)).join(', ')
}

function reversed(term: string): string {
  return term.endsWith(' DESC') ? term.slice(0, -' DESC'.length) : `${term} DESC`
}

function conditions(
  { search, host, state, largerThan, purgeable }: EntryChoice,
  now: number,
): { readonly where: string; readonly parameters: Parameter[] } {
  const pinned = `key IN (${pinnedEntries('?')})`
  const given: [condition: string, ...parameters: Parameter[]][] = []
  if (search !== '') given.push(['instr(lower(url), ?) > 0', search.toLowerCase()])
  if (host !== '') given.push(/[/?#]/.test(host) ? ['0'] : [OF_HOST, host, host])
  if (state === 'fresh') given.push(['stale_at > ?', now])
  if (state === 'stale') given.push(['stale_at <= ?', now])
  if (state === 'pinned') given.push([pinned, now])
  if (state === 'unverified') given.push(['unverified = 1'])
  if (largerThan !== undefined) given.push(['size > ?', largerThan])
  if (purgeable !== undefined) given.push([`stored_at <= ? AND NOT ${pinned}`, purgeable, now])
  return {
    where: ['1', ...given.map(([condition]) => condition)].join(' AND '),
    parameters: given.flatMap(([, ...parameters]) => parameters),
  }
}
