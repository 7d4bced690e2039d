/** Writes entries with their bodies into a tar, one body at a time. */

import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { realpath, rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { Header, Pack, ReadEntry } from 'tar'
import type { Engine } from '../../engine/types.js'
import { asKissError, KissError, systemCode } from '../../errors.js'
import type { Entry, OpenBlob } from '../../store/types.js'
import { openPipe } from '../pipe.js'
import { temporaryBeside } from '../fetch/save.js'
import { descriptorOf } from '../fetch/targets.js'
import { blobName, MANIFEST, writeManifest } from './manifest.js'

/** Bytes that are read at a time. */
const CHUNK = 256 * 1024

/**
 * @param file `-` is standard output, whose reader may leave early; a device, a pipe and a descriptor are written directly; else
 * it appears when it is complete
 */
export async function createBundle(
  engine: Pick<Engine, 'open'>,
  entries: readonly Entry[],
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const isStdout = file === '-'
  const descriptor = descriptorOf(file)
  const there = await stat(file).catch(() => undefined)
  const isDirect = isStdout || descriptor !== undefined || (there !== undefined && !there.isFile())
  const target = isDirect || there === undefined ? file : await realpath(file)
  // Another process may write to the same file.
  const temporary = temporaryBeside(target)
  try {
    const output = isStdout
      ? process.stdout
      : there?.isFIFO() === true
        ? await openPipe(file, signal)
        : createWriteStream(
            isDirect ? file : temporary,
            descriptor === undefined ? { flags: isDirect ? 'w' : 'wx' } : { fd: descriptor, autoClose: false },
          )
    const pack = new Pack({ portable: true })
    const packed = packAll(pack, engine, entries, signal)
    packed.catch((error: unknown) => pack.emit('error', error))
    await pipeline(pack as unknown as NodeJS.ReadableStream, output, { signal, end: !isStdout })
    await packed
    if (!isDirect) await rename(temporary, target)
  } catch (error) {
    if (!isDirect) await rm(temporary, { force: true })
    if (isStdout && !signal.aborted && systemCode(error) === 'EPIPE') return
    throw asKissError(signal.aborted ? signal.reason : error, 'disk', `cannot write ${file}`)
  }
}

async function packAll(
  pack: Pack,
  engine: Pick<Engine, 'open'>,
  entries: readonly Entry[],
  signal: AbortSignal,
): Promise<void> {
  const manifest = Buffer.from(writeManifest(entries))
  await add(pack, MANIFEST, manifest.length, async (write) => write(manifest))
  const bodies = new Map(entries.map((entry) => [entry.sha256, entry]))
  for (const entry of bodies.values()) {
    signal.throwIfAborted()
    const blob = await engine.open(entry)
    if (blob === undefined) throw new KissError('offline', `${entry.url} was removed meanwhile`, { hint: 'try again' })
    try {
      await add(pack, blobName(entry.sha256), blob.size, (write) => copy(blob, write))
    } finally {
      await blob.close()
    }
  }
  pack.end()
}

type Write = (chunk: Buffer) => Promise<void>

/** One member; resolves when all of it was taken. */
async function add(pack: Pack, path: string, size: number, fill: (write: Write) => Promise<void>): Promise<void> {
  const header = new Header({ path, size, mode: 0o644, type: 'File', mtime: new Date(0) })
  header.encode()
  const member = new ReadEntry(header)
  const ended = once(member, 'end')
  pack.add(member)
  await fill(async (chunk) => {
    if (!member.write(chunk)) await once(member, 'drain')
  })
  member.end()
  await ended
}

async function copy(blob: OpenBlob, write: Write): Promise<void> {
  for (let position = 0; position < blob.size;) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, blob.size - position))
    const bytes = await blob.read(buffer, position)
    if (bytes === 0) throw new KissError('disk', `the body ${blob.sha256} is cut`)
    await write(buffer.subarray(0, bytes))
    position += bytes
  }
}
