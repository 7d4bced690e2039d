/** The index: one lane of operations on one connection, and the meaning of its errors. */

import { statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { KissError, systemCode } from '../../errors.js'
import type { Layout } from '../layout.js'
import { asFullDisk, type Slack } from '../slack.js'
import { type Connection, type Parameter, connect } from './connection.js'
import { inodeOf, setAside, setAsideEnded } from './setaside.js'

export interface DatabaseOptions {
  readonly layout: Layout
  readonly slack: Slack
  readonly clock: { now(): number }
  readonly warn: (message: string) => void
  /** Milliseconds that a statement waits for another process. */
  readonly busyTimeout: number
}

const OPEN_ATTEMPTS = 5
/** Milliseconds between tries where SQLite does not wait by itself. */
const BUSY_POLL = 10

/**
 * An index that cannot be used is replaced when a process opens it, and at no other time. A running process that finds its
 * index damaged renames it, so that the next process begins a new one, and throws KissError `disk` until it is restarted. A
 * process whose index another program renamed or removed throws the same error.
 */
export class Database {
  readonly #options: DatabaseOptions
  readonly #connection: Connection
  readonly #inode: number
  #lane: Promise<unknown> = Promise.resolve()
  /** For {@link browse}; opened on its first use. */
  #browsing: Promise<Connection> | undefined
  #browsingLane: Promise<unknown> = Promise.resolve()
  #closed = false

  private constructor(options: DatabaseOptions, connection: Connection, inode: number) {
    this.#options = options
    this.#connection = connection
    this.#inode = inode
  }

  /** Throws KissError `disk` if no index can be had in this directory. */
  static async open(options: DatabaseOptions): Promise<Database> {
    const { layout, slack } = options
    try {
      return await Database.#open(options).catch(async (error: unknown) => {
        if (await slack.give(error)) return Database.#open(options)
        throw error
      })
    } catch (error) {
      throw indexError(asFullDisk(error, layout.root))
    }
  }

  static async #open(options: DatabaseOptions): Promise<Database> {
    const { layout, busyTimeout } = options
    let problem: unknown
    for (let attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
      await setAsideEnded(layout)
      try {
        const inode = await makeFile(layout)
        const connection = await patiently(() => connect(layout.index, busyTimeout), busyTimeout)
        await setAsideEnded(layout)
        if ((await inodeOf(layout.index)) === inode) return new Database(options, connection, inode)
        await connection.close()
      } catch (error) {
        problem = error
        const inode = await inodeOf(layout.index)
        if (inode === undefined || !isReplaceable(error)) throw error
        await replace(options, inode, error, 'the cache goes on with')
      }
    }
    throw new KissError('disk', 'the index of the cache directory cannot be opened', { cause: problem })
  }

  /**
   * Runs operations one after the other: the reads and the notes in memory of one operation belong together, and a locked
   * index blocks one thread of the pool that also reads the blobs. Throws KissError `disk`.
   */
  run<T>(operation: (connection: Connection) => Promise<T>): Promise<T> {
    const result = this.#lane.then(() => this.#attempt(operation, this.#connection))
    // The lane goes on after a failure, which the caller gets.
    this.#lane = result.catch(() => undefined)
    return result
  }

  /**
   * As {@link run}, for operations that only read, and may read the whole index: they have a lane and a connection of their
   * own, so that no request for an artifact waits for them.
   */
  browse<T>(operation: (connection: Connection) => Promise<T>): Promise<T> {
    const result = this.#browsingLane.then(async () => {
      if (this.#closed) throw closed()
      return this.#attempt(operation, await this.#connectAgain())
    })
    this.#browsingLane = result.catch(() => undefined)
    return result
  }

  query<Row = unknown>(sql: string, ...parameters: Parameter[]): Promise<Row[]> {
    return this.run((connection) => connection.query<Row>(sql, ...parameters))
  }

  async close(): Promise<void> {
    await this.#lane
    this.#closed = true
    await this.#browsingLane
    const browsing = await this.#browsing?.catch(() => undefined)
    await browsing?.close().catch(() => undefined)
    // The error of a damaged file on closing adds nothing to those before it.
    await this.#connection.close().catch(() => undefined)
  }

  async #connectAgain(): Promise<Connection> {
    const { layout, busyTimeout } = this.#options
    this.#checkInPlace()
    try {
      return await (this.#browsing ??= patiently(() => connect(layout.index, busyTimeout), busyTimeout))
    } catch (error) {
      this.#browsing = undefined
      throw indexError(asFullDisk(error, layout.root))
    }
  }

  async #attempt<T>(
    operation: (connection: Connection) => Promise<T>,
    connection: Connection,
    isRetry = false,
  ): Promise<T> {
    if (this.#closed) throw closed()
    const { layout, slack, busyTimeout } = this.#options
    this.#checkInPlace()
    try {
      return await patiently(() => operation(connection), busyTimeout)
    } catch (error) {
      if (!isRetry && (await slack.give(error))) return this.#attempt(operation, connection, true)
      if (faultOf(error) === 'damaged') {
        const renamed = replace(this.#options, this.#inode, error, 'restart kiss, which begins')
        // A directory that cannot be written is in the error of the next process that opens it.
        await renamed.catch(() => undefined)
      }
      throw indexError(asFullDisk(error, layout.root))
    }
  }

  /** The number cannot be that of another file: this one is open. The look takes 5 µs, a statement 80 µs. */
  #checkInPlace(): void {
    const { index } = this.#options.layout
    let inode: number | undefined
    try {
      inode = statSync(index, { throwIfNoEntry: false })?.ino
    } catch {
      // Its directory cannot be read.
    }
    if (inode === this.#inode) return
    throw new KissError('disk', `the index ${index} was removed or replaced while it was in use`, {
      hint: 'restart kiss',
    })
  }
}

const closed = (): KissError => new KissError('internal', 'the store is closed')

/** SQLite gives the files beside the index the mode of the index. Resolves with the inode. */
async function makeFile({ index, modes }: Layout): Promise<number> {
  const file = await open(index, 'a', modes.file)
  try {
    return (await file.stat()).ino
  } finally {
    await file.close()
  }
}

async function replace(
  { layout, clock, warn }: DatabaseOptions,
  inode: number,
  reason: unknown,
  outcome: string,
): Promise<void> {
  const file = await setAside(layout, inode, new Date(clock.now()).toISOString().replace(/[-:.]/g, ''))
  if (file === undefined) return
  const why = reason instanceof Error ? reason.message : String(reason)
  warn(
    `the index was unusable (${why}) and is now ${file}; ${outcome} a new one, and "kiss verify --rebuild" brings back ` +
      'the entries that the descriptions of the blobs tell',
  )
}

/**
 * SQLite does not wait in every case: not where two processes change the journal mode, nor where the last other connection is
 * cleaning up. Only an index that stays busy for as long as the busy timeout is locked for good.
 */
async function patiently<T>(work: () => Promise<T>, milliseconds: number): Promise<T> {
  const deadline = performance.now() + milliseconds
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (faultOf(error) !== 'locked' || performance.now() >= deadline) throw error
      await sleep(BUSY_POLL)
    }
  }
}

type IndexFault =
  /** The file is not a usable database: a new one has to take its place. */
  | 'damaged'
  /** Another process has held it for longer than the busy timeout. */
  | 'locked'
  /** The disk, the permissions or too many open files: a new file would fail as well. */
  | 'failing'

/** undefined if the error is not SQLite's. */
export function faultOf(error: unknown): IndexFault | undefined {
  const code = systemCode(error)
  if (code?.startsWith('SQLITE_') !== true) return undefined
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) return 'damaged'
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'locked'
  return 'failing'
}

/** Whether a new file in place of an index that could not be opened would help: a directory, or a file of another user. */
export function isReplaceable(error: unknown): boolean {
  return faultOf(error) === 'damaged' || ['EISDIR', 'EACCES', 'EPERM', 'ELOOP'].includes(systemCode(error) ?? '')
}

/** An error of SQLite, or of the file system around it, as a KissError; any other error unchanged. */
export function indexError(error: unknown): unknown {
  if (!(error instanceof Error) || !('errno' in error)) return error
  if (faultOf(error) === 'locked')
    return new KissError('disk', 'another process holds the index of the cache directory', { cause: error })
  return new KissError('disk', `the index of the cache directory failed: ${error.message}`, { cause: error })
}
