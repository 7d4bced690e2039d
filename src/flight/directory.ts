/**
 * The directory of one generation of a transfer, and the files in it:
 *
 *   transfers/<key>/<generation>/
 *     owner       the process that downloads; its mtime is the heartbeat, in the monotonic time of the boot: a step of the
 *                 wall clock does not make an owner look dead, or alive
 *     ended       created empty with the owner and written once, at the end: followers hold it open, so that they read the
 *                 ending even after the directory was removed
 *     head.json   the origin's status, headers and length, once known
 *     trouble     the reason why no byte arrives (JSON: place, reason, attempts), for readers in other processes
 *     body        grows by appending only
 *     sum.json    written when the body is whole, before it is renamed to a blob
 *     lent        in a cluster: the lease under which other nodes may have the bytes (JSON)
 *     dropped     made by a purge or by a later generation: the download serves its readers and stores nothing
 */

import * as fs from 'node:fs'
import { open, readdir, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from '../errors.js'
import type { StoredHeaders } from '../http/stored.js'
import {
  ifThere,
  makeDirectory,
  type Modes,
  modesBelow,
  parseOrUndefined,
  PRIVATE,
  readJson,
  removeDirectory,
  unlessMissing,
} from '../store/files.js'
import { mkdir, rename, rmdir, utimes, writeFile } from '../store/small-files.js'
import { serialised, type Ending } from './ending.js'
import type { Wait } from './waiting.js'
import type { ProcessIdentity } from '../store/process.js'
import type { Access, Sha256 } from '../store/types.js'

export interface Owner extends ProcessIdentity {
  /** Distinguishes the engines of one process. */
  readonly engine: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** The displayable URL, for lists. */
  readonly url: string
  /** A client's credential brings the bytes. */
  readonly private: boolean
  /** Absent in the files of older versions. */
  readonly access?: Access | undefined
  /** A hash of the credential that brings the whole body; absent if a predecessor's body is continued. */
  readonly holder?: string | undefined
}

/** The origin's description of the body. */
export interface Head {
  readonly headers: StoredHeaders
  /** Bytes; undefined if the origin did not announce the length. */
  readonly length: number | undefined
  /** The origin supports ranges (`Accept-Ranges` is not `none`, and no resume failed). */
  readonly ranges: boolean
  /** The source that gave the validators; no other source may be asked with them. Absent: the origin itself. */
  readonly source?: string | undefined
  /** A keyed hash of the final URL that the validators belong to. Absent in the files of older versions. */
  readonly resource?: string | undefined
  /** Milliseconds since the epoch: the time when the origin confirmed the bytes, if a parent sent them from its store. */
  readonly confirmedAt?: number | undefined
  /** The Cache-Status of a parent (RFC 9211). */
  readonly cacheStatus?: string | undefined
  /** The sum that the origin or a parent names for the content: other content is refused. */
  readonly sha256?: Sha256 | undefined
  /** `Vary` names a header that the client passed on: the body is not stored. */
  readonly varies: boolean
  /** A sign-in page came in place of the artifact: it is not stored. */
  readonly signIn?: boolean | undefined
}

/** Written into a generation whose bytes the other nodes may read: every process of this node can then send them. */
export interface Loan {
  /** Of the lease in the cluster. */
  readonly generation: number
  /** Milliseconds. */
  readonly lifetime: number
}

export interface Sum {
  readonly sha256: Sha256
  readonly size: number
  /** A length, a chunked end or a HEAD said that every byte came. */
  readonly delimited: boolean
}

/**
 * One generation directory. A missing file reads as undefined; other errors are thrown unchanged.
 *
 * Numbers begin again after the last directory of a key was removed, so a path alone does not identify a generation; the
 * contents of `owner` do. A process removes or stores the body of a directory only while that directory is its own.
 *
 * All files but the body are small and stay in the page cache, so that they are read synchronously (see store/small-files.ts).
 */
export class Generation {
  #owner: string | undefined

  constructor(
    readonly directory: string,
    readonly number: number,
    readonly modes: Modes = PRIVATE,
  ) {}

  get bodyPath(): string {
    return join(this.directory, 'body')
  }

  /** Writes the owner into a directory that this process just made; false if another process removed the directory. */
  async claim(owner: Owner, now: number): Promise<boolean> {
    const text = JSON.stringify(owner)
    this.#owner = text
    const claim = async (): Promise<boolean> => {
      // A process that sees the owner finds `ended`.
      await writeFile(join(this.directory, 'ended'), '', { flag: 'wx', mode: this.modes.file })
      await this.#prepare('owner', text, now)
      await this.#show('owner')
      return true
    }
    return (await unlessMissing(claim())) ?? false
  }

  /** Removes a directory that this process made and could not claim. */
  async abandon(): Promise<void> {
    await removeDirectory(this.directory, 'body')
  }

  /** Does the path still lead to the generation that was claimed, or whose owner was read? */
  async isSame(): Promise<boolean> {
    return this.#readOwner() === this.#owner
  }

  #readOwner(): string | undefined {
    return ifThere(() => fs.readFileSync(join(this.directory, 'owner'), 'utf8'))
  }

  /** @param now monotonic; `silentFor`: milliseconds since the last heartbeat. */
  async owner(now: number): Promise<{ owner: Owner; silentFor: number } | undefined> {
    const text = this.#readOwner()
    const info = fs.statSync(join(this.directory, 'owner'), { throwIfNoEntry: false })
    this.#owner = text
    const owner = text === undefined ? undefined : (parseOrUndefined(text) as Owner | undefined)
    return owner && info ? { owner, silentFor: now - info.mtimeMs } : undefined
  }

  /** @param now monotonic */
  async heartbeat(now: number): Promise<void> {
    await utimes(join(this.directory, 'owner'), now / 1000)
  }

  async head(): Promise<Head | undefined> {
    return readJson(join(this.directory, 'head.json')) as Head | undefined
  }

  /** @param begun other processes answer with the head: they see it only if the body finds room */
  async setHead(head: Head, begun?: Promise<void>): Promise<void> {
    await this.#prepare('head.json', JSON.stringify(head))
    await begun
    await this.#show('head.json')
  }

  async trouble(): Promise<Wait | undefined> {
    return readJson(join(this.directory, 'trouble')) as Wait | undefined
  }

  async setTrouble(wait: Wait): Promise<void> {
    await this.#replace('trouble', JSON.stringify(wait))
  }

  async loan(): Promise<Loan | undefined> {
    return readJson(join(this.directory, 'lent')) as Loan | undefined
  }

  async setLoan(loan: Loan): Promise<void> {
    await this.#replace('lent', JSON.stringify(loan))
  }

  /** Milliseconds since the epoch: when its last byte came. */
  async writtenAt(): Promise<number | undefined> {
    return fs.statSync(this.bodyPath, { throwIfNoEntry: false })?.mtimeMs
  }

  async sum(): Promise<Sum | undefined> {
    return readJson(join(this.directory, 'sum.json')) as Sum | undefined
  }

  async setSum(sum: Sum): Promise<void> {
    await this.#replace('sum.json', JSON.stringify(sum))
  }

  openEnded(): Promise<FileHandle | undefined> {
    return unlessMissing(open(join(this.directory, 'ended'), 'r'))
  }

  /** Does the path still name the directory of this open file? Generation numbers are reused. */
  async isOf(ended: FileHandle): Promise<boolean> {
    const there = fs.statSync(join(this.directory, 'ended'), { throwIfNoEntry: false })
    const held = fs.fstatSync(ended.fd)
    return there?.ino === held.ino && there.dev === held.dev
  }

  async ending(): Promise<Ending | undefined> {
    return readJson(join(this.directory, 'ended')) as Ending | undefined
  }

  async end(ending: Ending): Promise<void> {
    await unlessMissing(writeFile(join(this.directory, 'ended'), serialised(ending), { flag: 'r+' }))
  }

  /** Its download serves the readers it has, and stores nothing. */
  async drop(): Promise<void> {
    await unlessMissing(writeFile(join(this.directory, 'dropped'), '', { mode: this.modes.file }))
  }

  async dropped(): Promise<boolean> {
    return fs.existsSync(join(this.directory, 'dropped'))
  }

  /** Takes over the body, the head and the sum of a predecessor that cannot write any more; false if there is no body. */
  async inherit(from: Generation): Promise<boolean> {
    const [head, sum] = await Promise.all([from.head(), from.sum()])
    if (sum) await this.setSum(sum)
    if (head) await this.setHead(head)
    return (await unlessMissing(rename(from.bodyPath, this.bodyPath).then(() => true))) ?? false
  }

  /** Milliseconds since the epoch: the last change of the directory. */
  async changedAt(): Promise<number | undefined> {
    return fs.statSync(this.directory, { throwIfNoEntry: false })?.mtimeMs
  }

  async remove(): Promise<void> {
    if (!(await this.isSame())) return
    await removeDirectory(this.directory, 'body')
  }

  async #replace(name: string, text: string): Promise<void> {
    await this.#prepare(name, text)
    await this.#show(name)
  }

  /** @param mtime milliseconds, where the file's time means something */
  async #prepare(name: string, text: string, mtime?: number): Promise<void> {
    const temporary = join(this.directory, `${name}.new`)
    await writeFile(temporary, text, { mode: this.modes.file })
    if (mtime !== undefined) await utimes(temporary, mtime / 1000)
  }

  #show(name: string): Promise<void> {
    return rename(join(this.directory, `${name}.new`), join(this.directory, name))
  }
}

/** The ids of the keys that have generations. Other programs put files of their own in any directory (`.DS_Store`). */
export async function keysIn(transfers: string): Promise<string[]> {
  return (await readdir(transfers)).filter((name) => /^[0-9a-f]{64}/.test(name))
}

/** The generations of one key, in ascending order; an empty list where there are none. */
export async function generationsOf(directory: string): Promise<Generation[]> {
  const names = ifThere(() => fs.readdirSync(directory)) ?? []
  return names
    .filter((name) => /^[1-9][0-9]*$/.test(name))
    .map((name) => new Generation(join(directory, name), Number(name)))
    .sort((a, b) => a.number - b.number)
}

/** Makes the directory: this mkdir is the lease. undefined if another process was first. */
export async function makeGeneration(directory: string, number: number): Promise<Generation | undefined> {
  try {
    const transfers = fs.statSync(dirname(directory), { throwIfNoEntry: false })
    const modes = transfers ? modesBelow(transfers) : PRIVATE
    await makeDirectory(directory, modes.directory)
    const path = join(directory, String(number))
    await mkdir(path, modes.directory)
    return new Generation(path, number, modes)
  } catch (error) {
    const code = systemCode(error)
    // ENOENT: the process that ended the last generation just removed the directory of the key.
    if (code === 'EEXIST' || code === 'ENOENT') return undefined
    throw error
  }
}

/** Removes the directory of a key if it is empty. */
export async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory)
  } catch (error) {
    const code = systemCode(error)
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT' && code !== 'EEXIST') throw error
  }
}
