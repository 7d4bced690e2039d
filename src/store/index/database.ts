/** The index as the rest of the store sees it: one lane of operations, and an index that fails replaced behind it. */

import { open } from 'node:fs/promises'
import { KissError } from '../../errors.js'
import { type Connection, type Parameter, connect } from './connection.js'
import { faultOf, indexError } from './faults.js'
import { type Layout, restoreLayout } from '../layout.js'
import { asFullDisk, isFull, type Slack } from '../slack.js'
import { patiently } from './patience.js'
import { salvage } from './salvage.js'
import { inodeOf, replaceable, setAside, setAsideEnded } from './setaside.js'

export interface DatabaseOptions {
  readonly layout: Layout
  readonly slack: Slack
  readonly clock: { now(): number }
  readonly warn: (message: string) => void
  /** Milliseconds that a statement waits for another process, before the index counts as locked for good. */
  readonly busyTimeout: number
}

interface Opened {
  readonly connection: Connection
  readonly inode: number
  /** Of the log beside the index, which stays for as long as somebody has it open. */
  readonly log: number | undefined
}

const OPEN_ATTEMPTS = 5

export class Database {
  readonly #options: DatabaseOptions
  readonly #replaced = new Set<(connection: Connection) => Promise<void> | void>()
  #opened: Opened | undefined
  /** What was read from an index is not in the one that is opened next. */
  #lost = false
  #lane: Promise<unknown> = Promise.resolve()
  #closed = false
  #hasSetAside = false
  /** Set aside, and not yet told about. */
  #aside: { readonly file: string; readonly reason: unknown } | undefined

  private constructor(options: DatabaseOptions) {
    this.#options = options
  }

  /** Throws KissError `disk` where no index can be had in this directory. */
  static async open(options: DatabaseOptions): Promise<Database> {
    const database = new Database(options)
    await database.run(async () => undefined)
    return database
  }

  /** This process put an index out of the way: others may still have it open. */
  get hasSetAside(): boolean {
    return this.#hasSetAside
  }

  /**
   * Called when another file has taken the place of the index, before anything is done with it: what was read from the old
   * one is no longer true.
   */
  onReplaced(listener: (connection: Connection) => Promise<void> | void): void {
    this.#replaced.add(listener)
  }

  /**
   * Runs operations one after the other: what an operation reads and notes in memory belongs together, and a locked index
   * blocks no more than one thread of the pool that also reads the blobs.
   *
   * Where the index turns out to be damaged, locked for good or replaced, the operation runs again on the new one. Throws
   * KissError `disk` where that does not help.
   */
  run<T>(operation: (connection: Connection) => Promise<T>): Promise<T> {
    const result = this.#lane.then(() => this.#attempt(operation))
    // The lane goes on after a failure; whoever asked gets it.
    this.#lane = result.catch(() => undefined)
    return result
  }

  query<Row = unknown>(sql: string, ...parameters: Parameter[]): Promise<Row[]> {
    return this.run((connection) => connection.query<Row>(sql, ...parameters))
  }

  /** Lets go of an index that another process has set aside. */
  checkReplaced(): Promise<void> {
    return this.run(async () => {
      if (await this.#letGoOfReplaced()) await this.#open()
    })
  }

  async close(): Promise<void> {
    await this.run(async () => {
      this.#closed = true
      await this.#letGo()
    })
  }

  async #attempt<T>(operation: (connection: Connection) => Promise<T>, isRetry = false): Promise<T> {
    if (this.#closed) throw new KissError('internal', 'the store is closed')
    try {
      const { connection } = this.#opened ?? (await this.#open())
      try {
        return await patiently(() => operation(connection), this.#options.busyTimeout)
      } catch (error) {
        if (!(await this.#recover(error))) throw error
        return await operation((await this.#open()).connection)
      }
    } catch (error) {
      if (isRetry) throw indexError(await asFullDisk(error, this.#options.layout.root))
      if (await this.#options.slack.give(error)) return this.#attempt(operation, true)
      throw indexError(await asFullDisk(error, this.#options.layout.root))
    }
  }

  /** True when the operation may be tried again on another file. */
  async #recover(error: unknown): Promise<boolean> {
    const fault = faultOf(error)
    if (fault === undefined || (await isFull(error, this.#options.layout.root))) return false
    if (await this.#letGoOfReplaced()) return true
    // What SQLite cannot open may be the directory; what it has open is another matter.
    if (fault === 'unopenable' || !(await replaceable(error, this.#options.layout.index))) return false
    const inode = this.#opened?.inode
    this.#lost = true
    await this.#letGo()
    if (inode !== undefined) await this.#setAside(inode, error)
    return true
  }

  async #open(): Promise<Opened> {
    const { layout, busyTimeout } = this.#options
    let problem: unknown
    for (let attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
      await setAsideEnded(layout)
      const before = await inodeOf(layout.index)
      if (before === undefined) {
        await restoreLayout(layout)
        // SQLite gives the files beside it the mode of this one.
        await (await open(layout.index, 'a', layout.modes.file)).close()
      }
      try {
        const connection = await patiently(() => connect(layout.index, busyTimeout), busyTimeout)
        await setAsideEnded(layout)
        const inode = await inodeOf(layout.index)
        if (inode !== undefined && (before === undefined || before === inode)) {
          this.#opened = { connection, inode, log: await inodeOf(layout.indexLog) }
          await this.#begin(connection)
          return this.#opened
        }
        await connection.close()
      } catch (error) {
        problem = error
        await this.#letGo()
        if (await isFull(error, layout.root)) throw error
        const inode = await inodeOf(layout.index)
        if (inode === undefined || !(await replaceable(error, layout.index))) throw error
        await this.#setAside(inode, error)
      }
    }
    throw new KissError('disk', 'the index of the cache directory cannot be opened', { cause: problem })
  }

  async #setAside(inode: number, reason: unknown): Promise<void> {
    const { layout, clock } = this.#options
    const file = await setAside(layout, inode, new Date(clock.now()).toISOString().replace(/[-:.]/g, ''))
    if (file === undefined) return
    this.#hasSetAside = true
    this.#aside = { file, reason }
  }

  /** What was set aside on the way to this connection is looked through, and everybody told. */
  async #begin(connection: Connection): Promise<void> {
    if (this.#aside !== undefined) {
      const { file, reason } = this.#aside
      const outcome = (await this.#carryOver(connection, file, reason))
        ? 'with a copy of it'
        : 'with a new one, and "kiss verify --rebuild" brings back what the descriptions of the blobs tell'
      const why = reason instanceof Error ? reason.message : String(reason)
      this.#options.warn(`the index was unusable (${why}) and is now ${file}; the cache goes on ${outcome}`)
      this.#aside = undefined
    }
    if (this.#lost) for (const listener of this.#replaced) await listener(connection)
    this.#lost = false
  }

  async #carryOver({ query }: Connection, file: string, reason: unknown): Promise<boolean> {
    if (faultOf(reason) !== 'locked') return false
    return salvage(query, file).then(
      () => true,
      // Locked even against reading: as lost as a damaged one.
      () => false,
    )
  }

  async #letGoOfReplaced(): Promise<boolean> {
    if (this.#opened === undefined) return false
    const { layout } = this.#options
    const { inode, log } = this.#opened
    // The numbers cannot have been given to other files: these are open.
    if ((await inodeOf(layout.index)) === inode && (await inodeOf(layout.indexLog)) === log) return false
    this.#lost = true
    await this.#letGo()
    return true
  }

  async #letGo(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    // What a damaged file says on closing adds nothing to what it said before, and there is nothing left to do with it.
    await opened?.connection.close().catch(() => undefined)
  }
}
