/** Brings the bytes of an artifact to a file, complete or not at all, or to standard output while they arrive. */

import path from 'node:path'
import { createHash, randomBytes } from 'node:crypto'
import { rmSync, constants, write } from 'node:fs'
import { copyFile, link, open, realpath, rename, rm, stat, statfs, utimes, type FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import { KissError, systemCode } from '../../errors.js'
import { unlessAborted } from '../../waits.js'
import type { Artifact } from '../../engine/types.js'
import { makeDirectory } from '../../store/files.js'
import type { Entry } from '../../store/types.js'
import { closePipe, openPipe } from '../pipe.js'
import { descriptorOf } from './targets.js'

/** Bytes that go from the cache to the output at a time. */
const CHUNK = 256 * 1024

/** The bytes that were written to the output, and the entry if the cache stores it. */
export interface Saved {
  readonly bytes: number
  readonly entry: Entry | undefined
}

export interface SaveOptions {
  readonly signal: AbortSignal
  /** The bytes that go to the output must have this SHA-256, lower-case hex. */
  readonly promised?: string | undefined
}

export interface FileOptions extends SaveOptions {
  /** False: a file of that name stays, and {@link saveArtifact} throws {@link FileExists}. Default true. */
  readonly mayReplace?: boolean
  /** The time that the file gets; default: now. */
  readonly modified?: Date | undefined
}

/** There is a file of that name, which must stay. */
export class FileExists extends Error {
  override readonly name = 'FileExists'
}

/** Files to remove should the process end before it can clean up (a second Ctrl-C). */
const unfinished = new Set<string>()
let removesAtExit = false

/** Checks an output before the download. @throws KissError `usage` */
export async function prepareOutput(file: string, mayCreateDirectory: boolean): Promise<void> {
  const directory = path.dirname(file)
  if (mayCreateDirectory) await reporting(file, () => makeDirectory(directory))
  const place = await stat(directory).catch(() => undefined)
  if (place?.isDirectory() !== true) throw new KissError('usage', `cannot write ${file}: ${directory} is no directory`)
  const there = await stat(file).catch(() => undefined)
  if (there?.isDirectory() === true) {
    throw new KissError('usage', `cannot write ${file}: it is a directory`, { hint: 'use --directory' })
  }
}

/**
 * Writes the artifact to `file`: under another name beside it, then by rename, with the mode that a new file gets here.
 * The blob is reflinked or copied, never linked: a change of the file must not reach the cache. An output that is no regular
 * file (a pipe, a device), and the file of a descriptor, are written directly. Of a symbolic link the file behind it is
 * replaced; a link that leads nowhere is replaced itself.
 */
export async function saveArtifact(artifact: Artifact, file: string, options: FileOptions): Promise<Saved> {
  const { mayReplace = true, modified } = options
  const there = await stat(file).catch(() => undefined)
  if (there !== undefined && !mayReplace) throw new FileExists(file)
  if (there?.isFIFO() === true) return saveToPipe(artifact, file, options)
  const descriptor = descriptorOf(file)
  if (descriptor !== undefined) return copyContent(artifact, (chunk) => writeAll(descriptor, chunk, file), options)
  if (there !== undefined && !there.isFile()) {
    const handle = await reporting(file, () => open(file, 'w'))
    return closing(handle, file, () => copyContent(artifact, (chunk) => writeAll(handle.fd, chunk, file), options))
  }
  const target = there === undefined || !mayReplace ? file : await reporting(file, () => realpath(file))
  const temporary = temporaryBeside(target)
  try {
    const handle = await reporting(file, () => open(temporary, 'wx'))
    const saved = await closing(handle, file, () => fill(artifact, { temporary, handle, file, ...options }))
    if (modified !== undefined) await reporting(file, () => utimes(temporary, modified, modified))
    if (mayReplace) await reporting(file, () => rename(temporary, target))
    else await place(temporary, file)
    return saved
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  } finally {
    unfinished.delete(temporary)
  }
}

/** Gives the file its name unless another file has taken it meanwhile. */
async function place(temporary: string, file: string): Promise<void> {
  try {
    await link(temporary, file)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw new FileExists(file, { cause: error })
    // On a file system without links a file that appears at this very moment is replaced.
    return reporting(file, () => rename(temporary, file))
  }
  await rm(temporary, { force: true })
}

async function saveToPipe(artifact: Artifact, file: string, options: SaveOptions): Promise<Saved> {
  const pipe = await reporting(file, () => openPipe(file, options.signal))
  try {
    const saved = await streamArtifact(artifact, pipe, options)
    await closePipe(pipe)
    return saved
  } catch (error) {
    pipe.destroy()
    throw isBrokenPipe(error) ? diskError(file, error) : error
  }
}

/**
 * Writes the artifact to standard output while it arrives. Throws an error for which {@link isBrokenPipe} is true when its reader
 * leaves. The signal ends it even if a reader that stopped reading has not taken all bytes.
 */
export async function streamArtifact(
  artifact: Artifact,
  output: NodeJS.WritableStream,
  options: SaveOptions,
): Promise<Saved> {
  const write = (chunk: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      output.write(chunk, (error) => {
        if (!error) resolve()
        else reject(systemCode(error) === 'EPIPE' ? error : diskError('standard output', error))
      })
    })
  return copyContent(artifact, (chunk) => unlessAborted(write(chunk), options.signal), options)
}

/** The reader of standard output left early, which is no failure. */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && !(error instanceof KissError) && systemCode(error) === 'EPIPE'
}

interface Filling extends SaveOptions {
  readonly temporary: string
  readonly handle: FileHandle
  /** The name of the temporary file, for messages. */
  readonly file: string
}

/**
 * A stored body is cloned or copied from the cache. A growing body is written while it arrives, because a copy after the last
 * byte would delay the result; only on file systems that can share bytes it waits for the clone. With a required sum the bytes
 * are hashed on the way, because another program may write to the blob meanwhile.
 */
async function fill(artifact: Artifact, filling: Filling): Promise<Saved> {
  const { temporary, handle, file, signal, promised } = filling
  const copy = (to = handle): Promise<Saved> => copyContent(artifact, (chunk) => writeAll(to.fd, chunk, file), filling)
  if (promised !== undefined) return copy()
  if (artifact.entry !== undefined || (artifact.stored && (await canClone(path.dirname(temporary))))) {
    const entry = await unlessAborted(artifact.finished(), signal)
    if (entry === undefined) return copy()
    const { mode } = await handle.stat()
    try {
      await copyFile(artifact.path(entry), temporary, constants.COPYFILE_FICLONE)
      // The copy takes the blob's mode, which is read-only.
      await handle.chmod(mode)
      artifact.sent(entry.size)
      return { bytes: entry.size, entry }
    } catch (error) {
      const code = systemCode(error)
      if (code === 'EPERM') {
        // The file system of the output has no modes (FAT). The failed copy removed the file.
        const anew = await reporting(file, () => open(temporary, 'wx'))
        return closing(anew, file, () => copy(anew))
      }
      // Purged or evicted meanwhile: the open file can still be read.
      if (code !== 'ENOENT') throw diskError(file, error)
    }
  }
  return copy()
}

/** Types of Linux file systems whose files can share bytes (statfs(2)): btrfs, XFS, bcachefs, ZFS, OCFS2. */
const cloning: ReadonlySet<number> = new Set([0x9123683e, 0x58465342, 0xca451a4e, 0x2fc12fc1, 0x7461636f])

async function canClone(directory: string): Promise<boolean> {
  return process.platform === 'darwin' || cloning.has((await statfs(directory)).type)
}

async function copyContent(
  artifact: Artifact,
  write: (chunk: Buffer) => Promise<void>,
  { promised }: SaveOptions,
): Promise<Saved> {
  const hash = promised === undefined ? undefined : createHash('sha256')
  const buffer = Buffer.allocUnsafe(CHUNK)
  let position = 0
  for (;;) {
    const bytes = await artifact.content.read(buffer, position)
    if (bytes === 0) break
    hash?.update(buffer.subarray(0, bytes))
    await write(buffer.subarray(0, bytes))
    artifact.sent(bytes)
    position += bytes
  }
  const sum = hash?.digest('hex')
  if (sum !== undefined && sum !== promised)
    throw new KissError('digest-mismatch', `${artifact.url}: the SHA-256 of the bytes is ${sum}, not ${promised}`)
  return { bytes: position, entry: artifact.stored ? await artifact.finished() : undefined }
}

const writeFrom = promisify(write)

async function writeAll(descriptor: number, chunk: Buffer, file: string): Promise<void> {
  for (let offset = 0; offset < chunk.length;) {
    const { bytesWritten } = await reporting(file, () => writeFrom(descriptor, chunk, offset))
    offset += bytesWritten
  }
}

/** A file on another machine may be refused when it is closed. */
async function closing<T>(handle: FileHandle, file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    await reporting(file, () => handle.close())
  }
}

async function reporting<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof KissError ? error : diskError(file, error)
  }
}

function diskError(file: string, error: unknown): KissError {
  return new KissError('disk', `cannot write ${file}: ${systemCode(error) ?? String(error)}`, { cause: error })
}

/** The path of a new file, which is renamed to `target` when it is complete. It is removed if the process ends before that. */
export function temporaryBeside(target: string): string {
  const file = path.join(path.dirname(target), `.kiss-${randomBytes(8).toString('hex')}`)
  unfinished.add(file)
  if (removesAtExit) return file
  removesAtExit = true
  process.once('exit', () => {
    for (const each of unfinished) rmSync(each, { force: true })
  })
  return file
}
