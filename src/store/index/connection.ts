/** One open connection to index.sqlite: Keyv and its SQLite adapter, and how a new file becomes an index. */

import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import type Keyv from 'keyv'
import type * as sqlite from 'sqlite3'
import { KissError } from '../../errors.js'
import { CREATE_ENTRIES, ENTRIES, SCHEMA_VERSION, discard, schema } from './schema.js'

export type Parameter = string | number | null

export interface Connection {
  /** Entries by KeyId. Its TTL is never used: it deletes on read, and the validators with it. */
  readonly keyv: Keyv
  /** One statement, which SQLite runs as a whole or not at all. */
  readonly query: Query
  readonly close: () => Promise<void>
}

export type Query = <Row = unknown>(sql: string, ...parameters: Parameter[]) => Promise<Row[]>

/** Imported on demand, because they take half of the time of a start. */
async function libraries() {
  try {
    // First by require: Node 20 rejects the import of a package that throws twice, once where it cannot be caught.
    keepStatements((createRequire(import.meta.url)('sqlite3') as typeof sqlite).Database.prototype)
  } catch (error) {
    // npm may skip install scripts and exit with 0.
    const why = 'the install script of sqlite3 did not run, or for another Node.js'
    const hint = 'install kiss again, with --allow-scripts=sqlite3'
    throw new KissError('configuration', `SQLite cannot be loaded: ${why}`, { cause: error, hint })
  }
  const [{ default: Keyv }, { default: KeyvSqlite }] = await Promise.all([import('keyv'), import('@keyv/sqlite')])
  return { Keyv, KeyvSqlite }
}

/** Compiled statements that a connection keeps. A miss takes 20; each order of a listing is another statement. */
const STATEMENTS = 100

const kept = new WeakMap<sqlite.Database, Map<string, sqlite.Statement>>()

/**
 * The methods that the adapter gets when it promisifies those of its database. A statement is compiled once: compiling it for
 * each call took a second trip to the thread pool, half of the time of a statement.
 */
function keepStatements({ all, close }: { readonly all: object; readonly close: object }): void {
  Object.assign(all, { [promisify.custom]: runKept })
  Object.assign(close, { [promisify.custom]: closeKept })
}

async function runKept(this: sqlite.Database, sql: string, ...parameters: Parameter[]): Promise<unknown[]> {
  const statements = kept.get(this) ?? (await setUp(this))
  return new Promise((resolve, reject) => {
    const known = statements.get(sql)
    // A statement that cannot be compiled calls back here only.
    const statement = known ?? this.prepare(sql, (error: Error | null) => error && reject(error))
    statement.all(...parameters, (error: Error | null, rows: unknown[]) => {
      if (known === undefined) {
        const isOpen = kept.get(this) === statements
        const isKept =
          error === null && isOpen && isRepeated(sql) && statements.size < STATEMENTS && !statements.has(sql)
        if (isKept) statements.set(sql, statement)
        else statement.finalize()
      } else if (error !== null && statements.get(sql) === known) {
        statements.delete(sql)
        known.finalize()
      }
      if (error === null) resolve(rows)
      else reject(error)
    })
  })
}

/** Statements that set up a connection or an index run once. */
function isRepeated(sql: string): boolean {
  return !/^\s*(?:CREATE|DROP|ALTER|PRAGMA)\b/i.test(sql)
}

/**
 * Before the first statement, by which the adapter creates its table: in a new file that statement would be a transaction of
 * its own, with four syncs.
 */
async function setUp(database: sqlite.Database): Promise<Map<string, sqlite.Statement>> {
  const statements = new Map<string, sqlite.Statement>()
  kept.set(database, statements)
  try {
    const [row] = (await runKept.call(database, 'PRAGMA user_version')) as [{ user_version: number }]
    // With WAL a commit survives a killed process without a sync; a power loss takes the last ones, never the file.
    // Sorts and rollbacks stay in memory: the system's directory of temporary files may be full. A page of 400,000 sorted entries
    // takes 90 MB, and half of the time.
    await runScript(database, 'PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY')
    if (row.user_version < SCHEMA_VERSION) {
      await runKept.call(database, 'PRAGMA journal_mode = WAL')
      await runScript(database, schemaFrom(row.user_version))
    }
    return statements
  } catch (error) {
    // The adapter closes no database whose first statement failed, and this one may hold a lock.
    await closeKept.call(database).catch(() => undefined)
    throw error
  }
}

/**
 * One transaction, which one thread runs to its end. Every statement can be repeated: processes may meet on a new file. Nothing
 * else is a transaction of several statements: between them the lock would be held while this process waits for a thread, which
 * other connections that wait for the lock may have taken.
 */
function schemaFrom(version: number): string {
  // The ledger is derived from entries and files: a new one is counted at the first look (ledgercheck.ts).
  const old = version > 0 ? discard : []
  const all = [
    'BEGIN IMMEDIATE',
    CREATE_ENTRIES,
    ...old,
    ...schema,
    `PRAGMA user_version = ${SCHEMA_VERSION}`,
    'COMMIT',
  ]
  return all.join(';\n')
}

/** Statements of which none has a result. */
function runScript(database: sqlite.Database, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    database.exec(sql, (error) => (error === null ? resolve() : reject(error)))
  })
}

/** SQLite closes no database with compiled statements. */
async function closeKept(this: sqlite.Database): Promise<void> {
  for (const statement of kept.get(this)?.values() ?? []) statement.finalize()
  kept.delete(this)
  await new Promise<void>((resolve, reject) => this.close((error) => (error === null ? resolve() : reject(error))))
}

/** Bytes: SQLite's 512 (MAX_PATHNAME), less the longest suffix that it appends. */
const LONGEST_PATH = 504

/**
 * Opens the file, creates it where there is none, and sets it up.
 *
 * @param busyTimeout milliseconds that a statement waits for another process
 */
export async function connect(file: string, busyTimeout: number): Promise<Connection> {
  const length = Buffer.byteLength(file)
  if (length > LONGEST_PATH) {
    throw new KissError(
      'configuration',
      `the path of the index has ${length} bytes; SQLite takes at most ${LONGEST_PATH}`,
      { hint: 'choose a cache directory with a shorter path' },
    )
  }
  const { Keyv, KeyvSqlite } = await libraries()
  const adapter = new KeyvSqlite({ uri: `sqlite://${file}`, table: ENTRIES, busyTimeout, iterationLimit: 500 })
  // The adapter emits what its queries reject with; without a listener the event alone would end the process.
  adapter.on('error', () => undefined)
  const query: Query = async <Row>(sql: string, ...parameters: Parameter[]) =>
    (await adapter.query(sql, ...parameters)) as Row[]

  try {
    // Awaited before anything else uses the adapter: a file that cannot be opened rejects here and nowhere else.
    const [version] = await query<{ user_version: number }>('PRAGMA user_version')
    refuseNewer(file, version?.user_version ?? 0)
  } catch (error) {
    // Where the file could not be opened, this rejects with the same error.
    await adapter.close().catch(() => undefined)
    throw error
  }
  const keyv = new Keyv({
    store: adapter,
    useKeyPrefix: false,
    throwOnErrors: true,
    // Plain JSON, because SQL reads it as well: Keyv's own format escapes strings.
    serialize: JSON.stringify,
    deserialize: JSON.parse,
  })
  return { keyv, query, close: () => adapter.close() }
}

/** Throws KissError `configuration` if a newer kiss made the index. */
function refuseNewer(file: string, version: number): void {
  if (version <= SCHEMA_VERSION) return
  throw new KissError(
    'configuration',
    `the index ${file} has version ${version}, and this kiss knows version ${SCHEMA_VERSION}`,
    { hint: 'use the newer kiss that wrote it, or move the index away and run "kiss verify --rebuild"' },
  )
}
