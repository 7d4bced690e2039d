/**
 * The directory of one generation of a transfer, and the files in it:
 *
 *   transfers/<key>/<generation>/
 *     owner       who downloads; its mtime is the heartbeat, in the monotonic time of the boot: no step of the wall clock
 *                 makes an owner look dead, or alive
 *     ended       made empty with the owner, written once at the end: followers hold it open, so that they read the
 *                 ending even when the directory is gone
 *     head.json   the origin's status, headers and length, once known
 *     trouble     why there is no byte yet (JSON: place, reason, attempts), for readers in other processes
 *     body        grows by appending only
 *     sum.json    written when the body is whole, before it is renamed to a blob
 *     lent        in a cluster: the lease under which other nodes may have the bytes (JSON)
 *     purged      made by a purge: serve the readers you have, store nothing
 */

import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  utimes,
  writeFile,
  type FileHandle,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from '../errors.js'
import type { StoredHeaders } from '../http/stored.js'
import { makeDirectory, parseOrUndefined, unlessMissing } from '../store/files.js'
import { type Modes, modesBelow, PRIVATE } from '../store/modes.js'
import { serialised, type Ending } from './ending.js'
import type { Wait } from './waiting.js'
import type { ProcessIdentity } from '../store/process.js'
import type { Access, Sha256 } from '../store/types.js'

export interface Owner extends ProcessIdentity {
  /** Tells engines in one process apart. */
  readonly engine: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** The displayable URL, for those who look. */
  readonly url: string
  /** The bytes come with a client's credential. */
  readonly private: boolean
  /** Absent in the files of older versions. */
  readonly access?: Access | undefined
  /** A hash of the credential that all of it comes with; absent where a predecessor's body goes on. */
  readonly holder?: string | undefined
}

/** What the origin said of the body that is being downloaded. */
export interface Head {
  readonly headers: StoredHeaders
  /** Bytes; undefined where the origin did not announce it. */
  readonly length: number | undefined
  /** The origin takes ranges (`Accept-Ranges` is not `none`, and no resume has shown otherwise). */
  readonly ranges: boolean
  /** The source whose validators these are: they mean nothing elsewhere. Absent: the origin itself answered. */
  readonly source?: string | undefined
  /** A keyed hash of the final URL, whose validators these are. Absent in the files of older versions. */
  readonly resource?: string | undefined
  /** Milliseconds since the epoch: when the origin confirmed the bytes, where a parent had them from its store. */
  readonly confirmedAt?: number | undefined
  /** The Cache-Status of a parent (RFC 9211). */
  readonly cacheStatus?: string | undefined
  /** The sum that the origin or a parent gives for the content: other content is refused. */
  readonly sha256?: Sha256 | undefined
  /** `Vary` names a header that the client passed on: not to be stored. */
  readonly varies: boolean
  /** A sign-in page in place of the artifact: not to be stored. */
  readonly signIn?: boolean | undefined
}

/** Written into a generation whose bytes the other nodes may have: every process of this node can give them then. */
export interface Lending {
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
 * One generation directory. Reading what is not there gives undefined; other errors are thrown as they come.
 *
 * Numbers begin anew when the last directory of a key is gone, so that a path alone does not say which generation it is:
 * what was seen in `owner` does. Nobody removes, or stores the body of, a directory that is somebody else's by now.
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

  /** Writes who owns it, in a directory that this process has just made; false when somebody removed it meanwhile. */
  async claim(owner: Owner, now: number): Promise<boolean> {
    this.#owner = JSON.stringify(owner)
    const claimed = await unlessMissing(
      writeFile(join(this.directory, 'ended'), '', { flag: 'wx', mode: this.modes.file })
        .then(() => this.#replace('owner', JSON.stringify(owner), now))
        .then(() => true),
    )
    return claimed ?? false
  }

  /** Removes the directory that this process has made and could not claim. */
  async abandon(): Promise<void> {
    await removeDirectory(this.directory)
  }

  /** False where the path leads to another generation than the one that was claimed, or whose owner was read. */
  async isSame(): Promise<boolean> {
    return (await this.#readOwner()) === this.#owner
  }

  #readOwner(): Promise<string | undefined> {
    return unlessMissing(readFile(join(this.directory, 'owner'), 'utf8'))
  }

  /** @param now monotonic; `silentFor`: milliseconds since the last heartbeat. */
  async owner(now: number): Promise<{ owner: Owner; silentFor: number } | undefined> {
    const [text, info] = await Promise.all([this.#readOwner(), unlessMissing(stat(join(this.directory, 'owner')))])
    this.#owner = text
    const owner = text === undefined ? undefined : (parseOrUndefined(text) as Owner | undefined)
    return owner && info ? { owner, silentFor: now - info.mtimeMs } : undefined
  }

  /** @param now monotonic */
  async heartbeat(now: number): Promise<void> {
    await utimes(join(this.directory, 'owner'), now / 1000, now / 1000)
  }

  async head(): Promise<Head | undefined> {
    return readJson<Head>(join(this.directory, 'head.json'))
  }

  async setHead(head: Head): Promise<void> {
    await this.#replace('head.json', JSON.stringify(head))
  }

  async trouble(): Promise<Wait | undefined> {
    return readJson<Wait>(join(this.directory, 'trouble'))
  }

  async setTrouble(wait: Wait): Promise<void> {
    await this.#replace('trouble', JSON.stringify(wait))
  }

  async lent(): Promise<Lending | undefined> {
    return readJson<Lending>(join(this.directory, 'lent'))
  }

  async setLent(lending: Lending): Promise<void> {
    await this.#replace('lent', JSON.stringify(lending))
  }

  async sum(): Promise<Sum | undefined> {
    return readJson<Sum>(join(this.directory, 'sum.json'))
  }

  async setSum(sum: Sum): Promise<void> {
    await this.#replace('sum.json', JSON.stringify(sum))
  }

  openEnded(): Promise<FileHandle | undefined> {
    return unlessMissing(open(join(this.directory, 'ended'), 'r'))
  }

  /** Is what the path names now still the directory of this open file? Numbers are used again. */
  async isOf(ended: FileHandle): Promise<boolean> {
    const [there, held] = await Promise.all([unlessMissing(stat(join(this.directory, 'ended'))), ended.stat()])
    return there?.ino === held.ino && there.dev === held.dev
  }

  async ending(): Promise<Ending | undefined> {
    return readJson<Ending>(join(this.directory, 'ended'))
  }

  async end(ending: Ending): Promise<void> {
    await unlessMissing(writeFile(join(this.directory, 'ended'), serialised(ending), { flag: 'r+' }))
  }

  async purge(): Promise<void> {
    await unlessMissing(writeFile(join(this.directory, 'purged'), '', { mode: this.modes.file }))
  }

  async purged(): Promise<boolean> {
    return (await unlessMissing(stat(join(this.directory, 'purged')))) !== undefined
  }

  /** Takes the body, the head and the sum of a predecessor that can write no more; false where there is no body. */
  async inherit(from: Generation): Promise<boolean> {
    const [head, sum] = await Promise.all([from.head(), from.sum()])
    if (sum) await this.setSum(sum)
    if (head) await this.setHead(head)
    const moved = await unlessMissing(rename(from.bodyPath, this.bodyPath).then(() => true))
    return moved ?? false
  }

  /** Milliseconds since the epoch: when the directory was made or last changed. */
  async changedAt(): Promise<number | undefined> {
    return (await unlessMissing(stat(this.directory)))?.mtimeMs
  }

  async remove(): Promise<void> {
    if (!(await this.isSame())) return
    await removeDirectory(this.directory)
  }

  /** @param mtime milliseconds, where the file's time means something */
  async #replace(name: string, text: string, mtime?: number): Promise<void> {
    const temporary = join(this.directory, `${name}.new`)
    await writeFile(temporary, text, { mode: this.modes.file })
    if (mtime !== undefined) await utimes(temporary, mtime / 1000, mtime / 1000)
    await rename(temporary, join(this.directory, name))
  }
}

/** A purge may put a file into the directory while it is being emptied: once more, then. */
async function removeDirectory(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 2 })
}

/** The generations of one key, in ascending order; an empty list where there are none. */
export async function generationsOf(directory: string): Promise<Generation[]> {
  const names = (await unlessMissing(readdir(directory))) ?? []
  return names
    .filter((name) => /^[1-9][0-9]*$/.test(name))
    .map((name) => new Generation(join(directory, name), Number(name)))
    .sort((a, b) => a.number - b.number)
}

/** Makes the directory: the one mkdir that is the lease. undefined where somebody else was first. */
export async function makeGeneration(directory: string, number: number): Promise<Generation | undefined> {
  try {
    const transfers = await unlessMissing(stat(dirname(directory)))
    const modes = transfers ? modesBelow(transfers) : PRIVATE
    await makeDirectory(directory, modes.directory)
    const path = join(directory, String(number))
    await mkdir(path, modes.directory)
    return new Generation(path, number, modes)
  } catch (error) {
    const code = systemCode(error)
    // ENOENT: whoever ended the last one has just removed the key's directory.
    if (code === 'EEXIST' || code === 'ENOENT') return undefined
    throw error
  }
}

/** Removes the directory of a key when nothing is left in it. */
export async function removeIfEmpty(directory: string): Promise<void> {
  await rmdir(directory).catch((error: unknown) => {
    const code = systemCode(error)
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT' && code !== 'EEXIST') throw error
  })
}

/** A file that is being written reads as absent: its reader is woken again when it is whole. */
async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await unlessMissing(readFile(path, 'utf8'))
  return text === undefined ? undefined : (parseOrUndefined(text) as T | undefined)
}
