/** Job files in and out: read as UTF-8 to the byte, replaced atomically. */
import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { constants, open, realpath, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { KissError, openInput } from 'kiss-cache/plugin'

/** How standard input and standard output are written on the command line. */
export const standard = '-'

/** How messages name it. */
export function nameOf(file: string): string {
  return file === standard ? '<stdin>' : file
}

/** The text with its byte order mark and every line end. Throws KissError `usage` when it cannot be read or is not UTF-8. */
export async function readText(file: string): Promise<string> {
  const bytes = await readBytes(file)
  if (!isUtf8(bytes)) {
    const { line, column } = firstBroken(bytes)
    throw new KissError('usage', `${nameOf(file)}:${line}:${column}: not UTF-8`)
  }
  return bytes.toString('utf8')
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await buffer(file === standard ? process.stdin : openInput(file))
  } catch (error) {
    return fail('usage', `cannot read ${nameOf(file)}`, error)
  }
}

function firstBroken(bytes: Buffer): { line: number; column: number } {
  let line = 1
  let start = 0
  for (let end = bytes.indexOf(10); end >= 0 && isUtf8(bytes.subarray(start, end)); end = bytes.indexOf(10, start)) {
    line++
    start = end + 1
  }
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let column = 1
  try {
    for (const byte of bytes.subarray(start)) column += decoder.decode(Uint8Array.of(byte), { stream: true }).length
  } catch {
    return { line, column } // where the decoder gave up is what was asked for
  }
  return { line, column }
}

/**
 * Replaces a file's text: written beside it, synced, renamed over it, with its mode and owner. A symbolic link stays
 * and its target is replaced. A new file gets the usual mode. Throws KissError `disk`; the old text then stands.
 */
export async function writeText(file: string, text: string): Promise<void> {
  const target = await realpath(file).catch(() => file)
  const there = await stat(target).catch(() => undefined)
  if (there !== undefined && !there.isFile()) return writeThrough(target, text)
  const temporary = path.join(path.dirname(target), `.kiss-${randomBytes(8).toString('hex')}`)
  try {
    const handle = await open(temporary, 'wx')
    try {
      if (there !== undefined) {
        const mine = await handle.stat()
        if (mine.uid !== there.uid || mine.gid !== there.gid) await handle.chown(there.uid, there.gid)
        await handle.chmod(there.mode & 0o7777)
      }
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    fail('disk', `cannot write ${file}`, error)
  }
}

/** A pipe or a device. */
async function writeThrough(file: string, text: string): Promise<void> {
  try {
    const handle = await open(file, constants.O_WRONLY)
    try {
      await handle.writeFile(text)
    } finally {
      await handle.close()
    }
  } catch (error) {
    fail('disk', `cannot write ${file}`, error)
  }
}

function fail(code: 'usage' | 'disk', what: string, cause: unknown): never {
  const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
  throw new KissError(code, `${what}: ${reason}`, { cause })
}
