/** Fetches several targets concurrently and returns the outcome of each. */

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { describeWait, type Artifact, type Engine, type FetchRequest, type Wait } from '../../engine/types.js'
import { asKissError, KissError } from '../../errors.js'
import { parseHttpDate } from '../../http/dates.js'
import { displayUrl } from '../../http/urls.js'
import { unlessAborted } from '../../waits.js'
import { failureJson, failureLine, failureOf } from '../failure.js'
import type { ProgressView } from '../progress.js'
import { summaryOf } from './report.js'
import type { FetchResult, Outcome } from './result.js'
import { FileExists, isBrokenPipe, saveArtifact, streamArtifact, type Saved, type SaveOptions } from './save.js'
import type { Target } from './targets.js'

export interface FetchAllOptions {
  readonly engine: Pick<Engine, 'fetch'>
  readonly targets: readonly Target[]
  readonly parallel: number
  /** The options for files. */
  readonly files: FileRules
  /** The part that all requests share; its signal ends them all. */
  readonly request: Omit<FetchRequest, 'url'> & { readonly signal: AbortSignal }
  readonly progress: ProgressView
  readonly stdout: NodeJS.WritableStream
  /** Milliseconds, monotonic. */
  readonly now: () => number
  /** Called as each one ends. */
  readonly done?: (outcome: Outcome) => void
}

export interface FileRules {
  /** --no-clobber: existing files stay, and count as done. */
  readonly keep: boolean
  /** --output-mtime: date them by Last-Modified. */
  readonly dated: boolean
}

/** Never rejects: the outcomes contain the failures. They are in the order of the targets. */
export async function fetchAll(options: FetchAllOptions): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const queue = options.targets.entries()
  const work = async (): Promise<void> => {
    for (const [index, target] of queue) {
      const outcome = await fetchOne(target, options)
      outcomes[index] = outcome
      options.done?.(outcome)
    }
  }
  await Promise.all(Array.from({ length: options.parallel }, work))
  return outcomes
}

/** Fetches once more if the content changed and the output file does not exist yet, so that no byte was shown. */
async function fetchOne(target: Target, options: FetchAllOptions): Promise<Outcome> {
  const outcome = await fetchOnce(target, options)
  const changed = outcome.error instanceof KissError && outcome.error.code === 'content-changed'
  return changed && target.destination.to !== 'stdout' ? fetchOnce(target, options) : outcome
}

async function fetchOnce(target: Target, options: FetchAllOptions): Promise<Outcome> {
  const { engine, request, progress, now, files } = options
  const url = displayUrl(target.url)
  const started = now()
  const seconds = (): number => Math.round(now() - started) / 1000
  const line = progress.add(nameOf(target), url)
  const end = (result: FetchResult): Outcome => {
    line.end({ summary: summaryOf(result) })
    return { result }
  }
  let artifact: Artifact | undefined
  let why: (() => Wait) | undefined
  try {
    request.signal.throwIfAborted()
    if (files.keep && target.destination.to === 'file' && target.destination.open !== true) {
      const kept = await keptFile(url, target.destination.path, request.sha256)
      if (kept) return end(kept)
    }
    artifact = await engine.fetch({
      ...request,
      url: target.url,
      onWait: (waiting) => {
        why = waiting
        line.wait(waiting)
      },
    })
    line.follow(artifact)
    if (artifact.detail === 'sign-in-page') progress.note(signInWarning(artifact))
    const delivered = await deliver(artifact, target, options)
    await artifact.close('done')
    return end({ url, status: artifact.as, ...delivered, seconds: seconds() })
  } catch (caught) {
    let thrown: unknown = caught
    await artifact?.close('aborted')
    const status = artifact?.as ?? null
    const nothing = { size: null, sha256: null, path: null, output: null }
    if (isBrokenPipe(thrown)) return end({ url, status, ...nothing, output: '-', seconds: seconds() })
    if (thrown instanceof FileExists && files.keep) {
      const kept = await keptFile(url, thrown.message, request.sha256).catch((error: unknown) => asKissError(error))
      if (kept instanceof KissError) thrown = kept
      else if (kept) return end(kept)
    }
    // After a cancellation, the reason of the signal is the error.
    const error: unknown = request.signal.aborted
      ? explained(request.signal.reason, why?.(), artifact !== undefined)
      : thrown instanceof FileExists
        ? new KissError('usage', `${thrown.message} is there already`, {
            hint: 'remove it, or name another file with --output; --no-clobber counts it as done',
          })
        : thrown
    const failure = failureOf(error)
    line.end({ failure: failure === undefined || request.signal.aborted ? undefined : failureLine(failure) })
    const result = { url, status, ...nothing, seconds: seconds() }
    return failure === undefined ? { result } : { result: { ...result, error: failureJson(failure) }, error }
  }
}

function signInWarning({ url, headers }: Artifact): string {
  const type = headers.contentType?.replace(/;.*$/s, '').trim() ?? 'HTML'
  return `kiss: ${url}: the origin redirected to a page (${type}) that no cache may keep, perhaps a sign-in page; it is not kept`
}

/** The error of `--max-time`, with the reason of the last wait. */
function explained(reason: unknown, wait: Wait | undefined, answered: boolean): unknown {
  const silent = answered ? undefined : 'the origin has not answered yet'
  const why = wait && (describeWait(wait) ?? silent)
  return why !== undefined && reason instanceof KissError && reason.code === 'out-of-time'
    ? new KissError('out-of-time', `${reason.message}: ${why}`)
    : reason
}

/** undefined where there is no such file. @throws KissError `digest-mismatch` for a file without the promised sum */
async function keptFile(url: string, file: string, promised: string | undefined): Promise<FetchResult | undefined> {
  const there = await stat(file).catch(() => undefined)
  if (there === undefined) return undefined
  const sha256 = promised !== undefined && there.isFile() ? await sumOfFile(file) : null
  if (sha256 !== null && sha256 !== promised) {
    throw new KissError('digest-mismatch', `${file} is there already, and its SHA-256 is ${sha256}, not ${promised}`, {
      hint: 'remove it, or fetch without --no-clobber',
    })
  }
  return { url, status: null, size: there.size, sha256, path: null, output: file, seconds: 0, kept: true }
}

async function sumOfFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  } catch (error) {
    throw asKissError(error, 'disk', `cannot read ${file}`)
  }
  return hash.digest('hex')
}

/** Short, for a progress bar. */
function nameOf({ url, destination }: Target): string {
  return destination.to === 'file' ? path.basename(destination.path) : (url.pathname.split('/').at(-1) ?? url.host)
}

type Delivered = Pick<FetchResult, 'size' | 'sha256' | 'path' | 'output'>

async function deliver(
  artifact: Artifact,
  { destination }: Target,
  { stdout, files, request: { signal, sha256 } }: FetchAllOptions,
): Promise<Delivered> {
  const options: SaveOptions = { signal, promised: sha256 }
  if (destination.to === 'file') {
    const { lastModified, fileName } = artifact.headers
    const open = destination.open === true
    const file = open && fileName !== undefined ? path.join(path.dirname(destination.path), fileName) : destination.path
    const time = files.dated && lastModified !== undefined ? parseHttpDate(lastModified, Date.now()) : undefined
    const saved = await saveArtifact(artifact, file, {
      ...options,
      mayReplace: !open && !files.keep,
      modified: time === undefined ? undefined : new Date(time),
    })
    return delivered(artifact, saved, file)
  }
  if (destination.to === 'stdout') return delivered(artifact, await streamArtifact(artifact, stdout, options), '-')
  const entry = artifact.stored ? await unlessAborted(artifact.finished(), options.signal) : undefined
  if (entry === undefined) {
    throw new KissError('usage', `${artifact.url} is not kept in the cache, so it has no path there`, {
      hint: 'fetch it without --path',
    })
  }
  return delivered(artifact, { bytes: entry.size, entry }, null)
}

function delivered(artifact: Artifact, { bytes, entry }: Saved, output: string | null): Delivered {
  return {
    size: bytes,
    sha256: entry?.sha256 ?? artifact.content.sha256 ?? null,
    path: entry === undefined ? null : artifact.path(entry),
    output,
  }
}
