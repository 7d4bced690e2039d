/** Reads a bundle as it comes, checks every sum, and stores all of it or nothing. */

import { pipeline } from 'node:stream/promises'
import { Parser, type ReadEntry } from 'tar'
import type { Engine, Intake } from '../../engine/types.js'
import { asKissError, KissError, systemCode } from '../../errors.js'
import { printable } from '../../printable.js'
import type { Entry } from '../../store/types.js'
import { openInput } from '../input.js'
import { LARGEST_MANIFEST, MANIFEST, readManifest, sumOf } from './manifest.js'

export interface Loaded {
  /** Entries of the bundle. */
  readonly entries: readonly Entry[]
  /** The number of entries that were missing or older in the cache. */
  readonly stored: number
}

/**
 * @param file `-` is standard input
 * @throws KissError `usage` for a file that is no bundle, `digest-mismatch`, `quota`, `disk`; nothing is stored then
 */
export async function loadBundle(
  engine: Pick<Engine, 'intake'>,
  file: string,
  { signal, now }: { readonly signal: AbortSignal; readonly now: number },
): Promise<Loaded> {
  const intake = engine.intake()
  try {
    const loading = new Loading(intake, now)
    await readMembers(file, signal, (member) => loading.take(member))
    const entries = loading.finish()
    return { entries, stored: await intake.commit(entries) }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (error instanceof KissError) {
      throw new KissError(error.code, `cannot load ${file}: ${error.message}`, {
        cause: error,
        ...(error.hint !== undefined && { hint: error.hint }),
      })
    }
    const code = systemCode(error)
    if (code?.startsWith('TAR_') === true || code?.startsWith('Z_') === true)
      throw new KissError('usage', `cannot load ${file}: it is no tar, or it is cut`, { cause: error })
    if (code === 'ENOENT' && (error as NodeJS.ErrnoException).path === file)
      throw new KissError('usage', `cannot load ${file}: there is no such file`, { cause: error })
    throw asKissError(error, 'disk', `cannot load ${file}`)
  } finally {
    await intake.close()
  }
}

/** Handles one member at a time: the next one is read after `work` has resolved. */
async function readMembers(
  file: string,
  signal: AbortSignal,
  take: (member: ReadEntry) => Promise<void>,
): Promise<void> {
  let failure: unknown
  let last: Promise<void> = Promise.resolve()
  const parser = new Parser({
    strict: true,
    onReadEntry: (member) => {
      last = last
        .then(() => (failure === undefined ? take(member) : undefined))
        .catch((error: unknown) => {
          failure ??= error
          parser.abort(error instanceof Error ? error : new Error(String(error)))
        })
    },
  })
  try {
    await pipeline(file === '-' ? process.stdin : openInput(file), parser as unknown as NodeJS.WritableStream, {
      signal,
    })
  } catch (error) {
    await last
    throw (failure ?? error) as Error
  }
  await last
  if (failure !== undefined) throw asKissError(failure, 'disk', 'it cannot be read')
}

class Loading {
  readonly #intake: Intake
  readonly #now: number
  #entries: Entry[] | undefined
  /** Sizes of the bodies that are still to come, by sum. */
  readonly #missing = new Map<string, number>()

  constructor(intake: Intake, now: number) {
    this.#intake = intake
    this.#now = now
  }

  async take(member: ReadEntry): Promise<void> {
    if (member.type !== 'File' && member.type !== 'OldFile') throw refused(member, 'is no plain file')
    if (this.#entries === undefined) return this.#takeManifest(member)
    const sha256 = sumOf(member.path)
    const size = sha256 === undefined ? undefined : this.#missing.get(sha256)
    if (sha256 === undefined || size === undefined) throw refused(member, 'is not in the manifest, or comes twice')
    if (member.size !== size) throw refused(member, `has ${member.size} bytes, not ${size}`)
    this.#missing.delete(sha256)
    await this.#intake.write({ sha256, size }, member)
  }

  /** The entries, once every body has come. */
  finish(): readonly Entry[] {
    if (this.#entries === undefined) throw new KissError('usage', `it has no ${MANIFEST}`)
    if (this.#missing.size > 0) throw new KissError('usage', `it is cut: ${this.#missing.size} bodies are missing`)
    return this.#entries
  }

  async #takeManifest(member: ReadEntry): Promise<void> {
    if (member.path !== MANIFEST) throw refused(member, `comes before ${MANIFEST}`)
    if (member.size > LARGEST_MANIFEST) throw refused(member, 'is too large')
    const chunks: Buffer[] = []
    for await (const chunk of member) chunks.push(chunk)
    this.#entries = readManifest(Buffer.concat(chunks).toString('utf8'), this.#now)
    for (const { sha256, size } of this.#entries) {
      if ((this.#missing.get(sha256) ?? size) !== size)
        throw new KissError('usage', `its manifest gives the body ${sha256} two sizes`)
      this.#missing.set(sha256, size)
    }
    await this.#intake.announce([...this.#missing.values()].reduce((sum, size) => sum + size, 0))
  }
}

function refused({ path }: ReadEntry, why: string): KissError {
  return new KissError('usage', `its member ${printable(path).slice(0, 100)} ${why}`)
}
