/** The tables behind figures.ts. */

export const figuresSchema: readonly string[] = [
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
