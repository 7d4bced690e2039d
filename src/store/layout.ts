/** The paths in a cache directory, and the check that the directory has this layout. */

import { chmod, link, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KissError, asKissError, systemCode } from '../errors.js'
import { makeDirectory, syncFile, unlessMissing, honour, type Modes, modesBelow, PRIVATE } from './files.js'
import type { KeyId, Sha256 } from './types.js'

/**
 * ```
 * <cache-dir>/
 *   VERSION                  two lines: the version of this layout, and the random id of this directory
 *   index.sqlite             entries, counters, the ledger of bytes, settings (schema.ts); -wal and -shm beside it
 *   index.sqlite.damaged-…   an index that was set aside
 *   index.lock               held for the moment in which an index is set aside
 *   blobs/ab/abcd…           finished bodies, named by sha256, read-only
 *   blobs/ab/abcd….<key>.json   an entry that the body serves
 *   blobs/ab/….tmp           a description being written
 *   transfers/<key>/<generation>/   downloads that have not ended
 *   slack                    bytes for the moment in which the disk is full (slack.ts)
 *   changes                  touched when an entry is removed or replaced
 * ```
 *
 * The blobs and their descriptions are enough to build all other files anew.
 */
const LAYOUT_VERSION = '1'

const names = ['index.sqlite', 'blobs', 'transfers', 'changes']

export class Layout {
  readonly versionFile: string
  readonly index: string
  /** Kept by SQLite. */
  readonly indexLog: string
  readonly indexLock: string
  readonly blobs: string
  readonly transfers: string
  readonly changes: string
  readonly slack: string

  constructor(
    readonly root: string,
    /** Identifies the directory; made once, random. */
    readonly instance: string,
    readonly modes: Modes = PRIVATE,
    /** Where the index lies: elsewhere for a directory that cannot be written (read-only.ts). */
    readonly indexRoot = root,
  ) {
    this.versionFile = join(root, 'VERSION')
    this.index = join(indexRoot, 'index.sqlite')
    this.indexLog = `${this.index}-wal`
    this.indexLock = join(indexRoot, 'index.lock')
    this.blobs = join(root, 'blobs')
    this.transfers = join(root, 'transfers')
    this.changes = join(indexRoot, 'changes')
    this.slack = join(root, 'slack')
  }

  blob(sha256: Sha256): string {
    return join(this.blobs, sha256.slice(0, 2), sha256)
  }

  description(sha256: Sha256, id: KeyId): string {
    return `${this.blob(sha256)}.${id}.json`
  }
}

/**
 * Makes a new or empty directory a cache directory, or checks that it is one. Throws KissError `configuration` if the
 * directory belongs to another version or to something else, `disk` if it cannot be used.
 */
export async function openLayout(
  root: string,
  random: () => string,
  warn: (message: string) => void = () => undefined,
): Promise<Layout> {
  try {
    // An existing directory keeps the mode that its administrator gave it.
    await makeDirectory(root, PRIVATE.directory)
    const stats = await stat(root)
    const modes = modesBelow(stats)
    honour(modes)
    if (modes === PRIVATE && stats.uid !== process.geteuid?.() && process.geteuid !== undefined)
      warn(`the cache directory ${root} belongs to another user (uid ${stats.uid}), who can change its files`)
    const layout = new Layout(root, (await readVersion(root)) ?? (await begin(root, random(), modes)), modes)
    for (const path of [layout.blobs, layout.transfers]) await makeDirectory(path, modes.directory)
    await closeToOthers(layout)
    return layout
  } catch (error) {
    throw asKissError(error, 'disk', `cannot use the cache directory ${root}`)
  }
}

/** Older versions made files that all users could read. Files of other users are left unchanged. */
async function closeToOthers(layout: Layout): Promise<void> {
  const { blobs, transfers, index, indexLog, versionFile, changes, slack, modes } = layout
  const files = [index, indexLog, `${index}-shm`, versionFile, changes, slack]
  await Promise.all([
    ...[blobs, transfers].map((path) => restrict(path, modes.directory)),
    ...files.map((path) => restrict(path, modes.file)),
  ])
}

/** Takes away the rights beyond `allowed`. */
async function restrict(path: string, allowed: number): Promise<void> {
  try {
    const mode = (await stat(path)).mode & 0o777
    if ((mode & ~allowed) !== 0) await chmod(path, mode & allowed)
  } catch (error) {
    if (!['ENOENT', 'EPERM', 'EROFS'].includes(systemCode(error) ?? '')) throw error
  }
}

/** The instance of a directory of this version; undefined if it is still to be written. */
async function readVersion(root: string): Promise<string | undefined> {
  const text = await unlessMissing(readFile(join(root, 'VERSION'), 'utf8'))
  if (text === undefined) return undefined
  const [version, instance] = text.split('\n')
  if (version !== LAYOUT_VERSION) {
    throw new KissError(
      'configuration',
      `the cache directory ${root} has layout version ${JSON.stringify(version?.slice(0, 20))}, and this kiss knows ` +
        `version ${LAYOUT_VERSION}; choose another --cache-dir, or remove that directory`,
    )
  }
  return instance === '' ? undefined : instance
}

/** Refuses a directory that holds files of another program, which kiss might sweep later. */
async function begin(root: string, instance: string, modes: Modes): Promise<string> {
  const present = await readdir(root)
  const foreign = names.find((name) => present.includes(name))
  if (foreign !== undefined && !present.includes('VERSION')) {
    throw new KissError(
      'configuration',
      `${root} has no VERSION but already holds ${JSON.stringify(foreign)}, so it may belong to another program; choose ` +
        `another --cache-dir, or, if it is a cache of kiss, write ${LAYOUT_VERSION} into ${join(root, 'VERSION')}`,
    )
  }
  return writeVersion(root, instance, modes)
}

/** Several processes may call this at the same time: one of them writes the id, and all return it. */
async function writeVersion(root: string, instance: string, modes: Modes): Promise<string> {
  const file = join(root, 'VERSION')
  const temporary = `${file}.${instance}.tmp`
  try {
    await writeFile(temporary, `${LAYOUT_VERSION}\n${instance}\n`, { mode: modes.file })
    // Synced once in the life of a directory: kiss refuses a directory whose VERSION is empty after a power loss.
    await syncFile(temporary)
    await link(temporary, file)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST' && systemCode(error) !== 'EPERM' && systemCode(error) !== 'ENOTSUP') throw error
    // A user wrote a VERSION without an id, or the file system has no hard links: the last process wins.
    if ((await readVersion(root)) === undefined) await rename(temporary, file)
  } finally {
    await rm(temporary, { force: true })
  }
  return (await readVersion(root)) ?? instance
}
