/** The tables of index.sqlite beside Keyv's own, and the triggers that keep them consistent for every writer. */

import { NAME } from '../names.js'

/** Written to user_version when everything below exists. */
export const SCHEMA_VERSION = 10

/** Keyv's table: `key` is a KeyId, `value` is `{"value": Entry}`. */
export const ENTRIES = 'entries'
/** The adapter's own statement. */
export const CREATE_ENTRIES = `CREATE TABLE IF NOT EXISTS ${ENTRIES}(key VARCHAR(255) PRIMARY KEY, value TEXT )`

/** As it stands in the index on it; SQLite uses the index only for the same expression. */
export const ENTRY_SHA256 = `json_extract(value, '$.value.sha256')`

/** Of the rows of names (names.ts): as it stands in the index on them. */
export const IS_NAME = `json_extract(value, '$.value.source') = '${NAME}'`

/** The fields by which entries are listed (listing.ts), as they stand in the index on them. */
export const LISTED_FIELDS = {
  used: `json_extract(value, '$.value.lastUsedAt')`,
  url: `json_extract(value, '$.value.url')`,
  size: `json_extract(value, '$.value.size')`,
  stored_at: `json_extract(value, '$.value.storedAt')`,
  stale_at: `json_extract(value, '$.value.staleAt')`,
  hits: `json_extract(value, '$.value.hits')`,
  private: `json_extract(value, '$.value.private')`,
  access: `json_extract(value, '$.value.access')`,
  unverified: `json_extract(value, '$.value.unverified')`,
  source: `json_extract(value, '$.value.source')`,
} as const
export const LISTED_INDEX = 'entries_listed'
/**
 * The index has all that a list selects and sorts by, so that no list reads the rows: those are four times as long, and JSON.
 * An older kiss of the same version created no such index, so the lists create it.
 */
export const CREATE_LISTED_INDEX = `CREATE INDEX IF NOT EXISTS ${LISTED_INDEX}
  ON ${ENTRIES} (${Object.values(LISTED_FIELDS).join(', ')}, key)`

/** Bytes of a block, by which file systems count files. */
const BLOCK = 4_096
/** Bytes that an entry takes beside the body: a block for its description, and its rows in SQLite's tables and indexes. */
export const ENTRY_COST = 6_144

const blocks = (bytes: string) => `(${bytes} + ${BLOCK - 1}) / ${BLOCK} * ${BLOCK}`
/** SQL: the bytes that a body of this size takes with its first entry. */
export const costOfBody = (bytes: string): string => `(${blocks(bytes)} + ${ENTRY_COST})`
/** The same for a number. */
export const costOfBytes = (bytes: number): number => Math.ceil(bytes / BLOCK) * BLOCK + ENTRY_COST
/** Of a row of `blobs`: one that is being removed counts the entries that it still has, any other one at least one. */
const costOf = (row: string) => `(${blocks(`${row}size`)} + max(${row}entries, ${row}doomed IS NULL) * ${ENTRY_COST})`
/** SQL: the bytes that a row of `blobs` stands for. */
export const COST = costOf('')
/** SQL: the bytes of all rows of `blobs`; triggers keep the sum. */
export const USED = `(SELECT value FROM settings WHERE name = 'used')`

const use = (change: string) => `UPDATE settings SET value = value ${change} WHERE name = 'used';`

const field = (row: 'OLD' | 'NEW', name: string) => `json_extract(${row}.value, '$.value.${name}')`
const withoutUse = (row: 'OLD' | 'NEW') => `json_remove(${row}.value, '$.value.hits', '$.value.lastUsedAt')`

const names = (row: 'OLD' | 'NEW', change: string) =>
  `UPDATE blobs SET entries = max(0, entries ${change}) WHERE sha256 = ${field(row, 'sha256')};`

/** A use of an entry is a use of its blob. */
const named = `
  UPDATE blobs SET last_used = max(last_used, ${field('NEW', 'lastUsedAt')}) WHERE sha256 = ${field('NEW', 'sha256')};`

/** The tables of the figures (../figures). */
const figuresSchema: readonly string[] = [
  // As the counters, under names that their users choose.
  `CREATE TABLE IF NOT EXISTS sums (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID`,

  // The counters as they were at `at` (milliseconds, a multiple of step): a JSON object by name. All processes see the same
  // counters, so it does not matter which of them writes, and nothing is counted twice.
  `CREATE TABLE IF NOT EXISTS past (
    step INTEGER NOT NULL, at INTEGER NOT NULL, counts TEXT NOT NULL, PRIMARY KEY (step, at)) WITHOUT ROWID`,

  // As the counters: body bytes served, by the host of the artifact.
  `CREATE TABLE IF NOT EXISTS hosts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID`,

  // n: how often an entry was served from the store on a day (days since the epoch, UTC).
  `CREATE TABLE IF NOT EXISTS hits (
    id TEXT NOT NULL, day INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (id, day)) WITHOUT ROWID`,

  // n: readers of the download of this key in one engine of one process; no row for none.
  `CREATE TABLE IF NOT EXISTS readers (
    owner TEXT NOT NULL, id TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (owner, id)) WITHOUT ROWID`,

  // n: grows; the oldest go. record: a FailureRecord as JSON.
  `CREATE TABLE IF NOT EXISTS failures (n INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL)`,

  // at: milliseconds, when the process was last heard of.
  `CREATE TABLE IF NOT EXISTS presence (
    owner TEXT PRIMARY KEY, at INTEGER NOT NULL, figures TEXT NOT NULL) WITHOUT ROWID`,
]

const changed = `UPDATE settings SET value = value + 1 WHERE name = 'changes';`

export const schema: readonly string[] = [
  `CREATE INDEX IF NOT EXISTS entries_sha256 ON ${ENTRIES} (${ENTRY_SHA256})`,
  `CREATE INDEX IF NOT EXISTS entries_names ON ${ENTRIES} (key) WHERE ${IS_NAME}`,
  CREATE_LISTED_INDEX,

  // Blobs that count. last_used: the latest of the blob's entries, milliseconds; 0 while none has named it, so that it goes
  // first. doomed: the time at which its removal began, milliseconds; it counts until it is gone. brought_by: the reservation of
  // the transfer that brought it last, which does not count any more once the blob does. stamp, boot:
  // the file that is known to be whole, and the boot in which it was written, while it may not be on the disk.
  `CREATE TABLE IF NOT EXISTS blobs (
    sha256 TEXT PRIMARY KEY, size INTEGER NOT NULL, last_used INTEGER NOT NULL, doomed INTEGER, brought_by TEXT,
    stamp TEXT, boot TEXT, entries INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`,
  `CREATE INDEX IF NOT EXISTS blobs_last_used ON blobs (last_used)`,
  `CREATE INDEX IF NOT EXISTS blobs_doomed ON blobs (doomed) WHERE doomed IS NOT NULL`,

  // Bytes that transfers will write, and of these the ones that they may write now. at: when the body last grew, milliseconds.
  `CREATE TABLE IF NOT EXISTS reservations (
    id TEXT PRIMARY KEY, bytes INTEGER NOT NULL, granted INTEGER NOT NULL, owner TEXT NOT NULL, at INTEGER NOT NULL
  ) WITHOUT ROWID`,
  ...['INSERT', 'UPDATE OF brought_by'].map(
    (event, i) => `CREATE TRIGGER IF NOT EXISTS blob_brought_${i} AFTER ${event} ON blobs
      BEGIN DELETE FROM reservations WHERE id = NEW.brought_by; END`,
  ),

  // Blobs whose transfer has not written the entry yet: no process may remove them as unnamed.
  `CREATE TABLE IF NOT EXISTS claims (
    sha256 TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (sha256, id)) WITHOUT ROWID`,

  `CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID`,

  ...figuresSchema,

  // Entries that stay (pins.ts). until: milliseconds since the epoch; null: for ever.
  `CREATE TABLE IF NOT EXISTS pins (id TEXT PRIMARY KEY, until INTEGER) WITHOUT ROWID`,
  `CREATE TRIGGER IF NOT EXISTS entry_unpinned AFTER DELETE ON ${ENTRIES} BEGIN DELETE FROM pins WHERE id = OLD.key; END`,

  // quota: bytes, absent without one. changes: grows whenever an entry is removed or replaced. ledger: the boot in which
  // the ledger was last compared with the disk. used: bytes that
  // all blobs take. lost: there are blobs whose entries went with an index that was lost.
  `CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID`,
  `INSERT OR IGNORE INTO settings VALUES ('changes', 0), ('used', 0)`,
  `CREATE TRIGGER IF NOT EXISTS blob_added AFTER INSERT ON blobs BEGIN ${use(`+ ${costOf('NEW.')}`)} END`,
  `CREATE TRIGGER IF NOT EXISTS blob_resized AFTER UPDATE OF size, entries, doomed ON blobs
    BEGIN ${use(`+ ${costOf('NEW.')} - ${costOf('OLD.')}`)} END`,
  `CREATE TRIGGER IF NOT EXISTS blob_removed AFTER DELETE ON blobs BEGIN ${use(`- ${costOf('OLD.')}`)} END`,

  `CREATE TRIGGER IF NOT EXISTS entry_added AFTER INSERT ON ${ENTRIES} BEGIN ${named} ${names('NEW', '+ 1')} END`,
  `CREATE TRIGGER IF NOT EXISTS entry_updated AFTER UPDATE ON ${ENTRIES} BEGIN ${named} END`,
  `CREATE TRIGGER IF NOT EXISTS entry_changed AFTER UPDATE ON ${ENTRIES}
    WHEN ${withoutUse('OLD')} <> ${withoutUse('NEW')} BEGIN ${changed} END`,
  `CREATE TRIGGER IF NOT EXISTS entry_renamed AFTER UPDATE ON ${ENTRIES}
    WHEN ${field('OLD', 'sha256')} <> ${field('NEW', 'sha256')} BEGIN ${names('OLD', '- 1')} ${names('NEW', '+ 1')} END`,
  `CREATE TRIGGER IF NOT EXISTS entry_removed AFTER DELETE ON ${ENTRIES} BEGIN ${changed} ${names('OLD', '- 1')} END`,
  `CREATE TRIGGER IF NOT EXISTS entry_hits_removed AFTER DELETE ON ${ENTRIES}
    BEGIN DELETE FROM hits WHERE id = OLD.key; END`,

  // Keyv overwrites a row: this keeps the uses that were counted since the writer read the entry.
  `CREATE TRIGGER IF NOT EXISTS entry_keeps_use AFTER UPDATE ON ${ENTRIES}
    WHEN ${field('OLD', 'hits')} > ${field('NEW', 'hits')}
      OR ${field('OLD', 'lastUsedAt')} > ${field('NEW', 'lastUsedAt')}
    BEGIN UPDATE ${ENTRIES} SET value = json_set(value,
        '$.value.hits', max(${field('OLD', 'hits')}, ${field('NEW', 'hits')}),
        '$.value.lastUsedAt', max(${field('OLD', 'lastUsedAt')}, ${field('NEW', 'lastUsedAt')}))
      WHERE key = NEW.key; END`,
]

/** Tables of an older version that {@link schema} creates anew. */
export const discard: readonly string[] = [
  ...['entry_added', 'entry_updated', 'entry_changed', 'entry_removed', 'entry_keeps_use'].map(
    (trigger) => `DROP TRIGGER IF EXISTS ${trigger}`,
  ),
  ...['blobs', 'reservations', 'claims'].map((table) => `DROP TABLE IF EXISTS ${table}`),
  `DELETE FROM settings WHERE name = 'generation'`,
  `UPDATE settings SET value = '' WHERE name = 'ledger'`,
  `UPDATE settings SET value = 0 WHERE name = 'used'`,
]
