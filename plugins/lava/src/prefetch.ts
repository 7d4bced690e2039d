/** Has everything that jobs download fetched into a cache, checked, and summed up. */
import {
  failureJson,
  failureOf,
  isFieldValue,
  KissError,
  unlessAborted,
  type Artifact,
  type FailureJson,
  type FetchRequest,
  type ProgressView,
} from 'kiss-cache/plugin'
import { shownOrigin, type Download } from './downloads.js'
import type { Source } from './source.js'
import { SumCheck } from './sums.js'

/** One artifact of `results` under `--json`, with every place of the jobs that downloads it. */
export interface PrefetchResult {
  /** Displayable. */
  readonly url: string
  readonly places: readonly { readonly file: string; readonly line: number; readonly place: string }[]
  readonly status: Artifact['as'] | null
  /** Bytes. */
  readonly size: number | null
  readonly sha256: string | null
  readonly seconds: number
  readonly error?: FailureJson
}

export interface PrefetchOutcome {
  readonly result: PrefetchResult
  /** What the result's `error` was made of. */
  readonly error?: unknown
}

export interface PrefetchOptions {
  readonly source: Source
  readonly downloads: readonly Download[]
  readonly parallel: number
  /** Milliseconds. */
  readonly ttl: number | undefined
  readonly signal: AbortSignal
  readonly progress: ProgressView
  /** Milliseconds for which a server that is not ready yet is asked again. */
  readonly retryFor: number
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Called as each one ends. */
  readonly done: (outcome: PrefetchOutcome) => void
}

/** What several places of the jobs download alike is fetched once. */
interface Group {
  readonly origin: URL
  readonly downloads: readonly [Download, ...Download[]]
}

/** Never rejects: failures stand in the outcomes, which are in the order of the jobs. */
export async function prefetch(options: PrefetchOptions): Promise<PrefetchOutcome[]> {
  const outcomes: PrefetchOutcome[] = []
  const queue = groupsOf(options.downloads).entries()
  const work = async (): Promise<void> => {
    for (const [index, group] of queue) {
      const outcome = await fetchGroup(group, options)
      outcomes[index] = outcome
      options.done(outcome)
    }
  }
  await Promise.all(Array.from({ length: options.parallel }, work))
  return outcomes
}

export function groupsOf(downloads: readonly Download[]): Group[] {
  const groups = new Map<string, Group>()
  for (const download of downloads) {
    const { origin, headers, sums } = download
    if (origin === undefined) continue
    const key = JSON.stringify([origin.href, headers, sums])
    const before = groups.get(key)?.downloads
    groups.set(key, { origin, downloads: before === undefined ? [download] : [...before, download] })
  }
  return [...groups.values()]
}

async function fetchGroup(group: Group, options: PrefetchOptions): Promise<PrefetchOutcome> {
  const [first] = group.downloads
  const { progress, now, signal } = options
  const started = now()
  const row = progress.add(first.place)
  const about = {
    url: shownOrigin(first),
    places: group.downloads.map(({ file, line, place }) => ({ file, line, place })),
  }
  const seconds = (): number => Math.round(now() - started) / 1000
  try {
    const fetched = await fetchPatiently(group, options, row.follow.bind(row))
    row.end()
    return { result: { ...about, ...fetched, seconds: seconds() } }
  } catch (thrown) {
    row.end()
    const error: unknown = signal.aborted ? signal.reason : thrown
    const nothing = { ...about, status: null, size: null, sha256: null, seconds: seconds() }
    const failure = failureOf(error)
    return failure === undefined ? { result: nothing } : { result: { ...nothing, error: failureJson(failure) }, error }
  }
}

type Fetched = Pick<PrefetchResult, 'status' | 'size' | 'sha256'>

/** Milliseconds between two questions to a server that is not ready. */
const pause = 5000

/**
 * A server answers 504 when its origin is slow (it goes on downloading) and 503 when it is being replaced: both pass, and
 * there is time, for no board waits yet.
 */
async function fetchPatiently(
  group: Group,
  options: PrefetchOptions,
  follow: (artifact: Artifact) => void,
): Promise<Fetched> {
  const until = options.now() + options.retryFor
  for (;;) {
    try {
      return await fetchOnce(group, options, follow)
    } catch (error) {
      const passing = error instanceof KissError && (error.status === 503 || error.status === 504)
      if (!passing || error.code === 'offline' || options.signal.aborted || options.now() + pause > until) throw error
      await options.sleep(pause, options.signal)
    }
  }
}

async function fetchOnce(
  { origin, downloads: [first] }: Group,
  { source, ttl, signal }: PrefetchOptions,
  follow: (artifact: Artifact) => void,
): Promise<Fetched> {
  const { headers, sums } = first
  signal.throwIfAborted()
  const wrong = Object.entries(headers).find(([, value]) => !isFieldValue(value))
  if (wrong !== undefined)
    throw new KissError('usage', `the header ${wrong[0]} has a character that no header may have`)
  const request: FetchRequest = { url: origin, headers, signal, ...(ttl === undefined ? {} : { ttl }) }
  const artifact = await source.fetch(request)
  const check = new SumCheck(sums)
  try {
    follow(artifact)
    const fetched = await complete(artifact, check, signal)
    check.verify(shownOrigin(first), fetched.sha256 ?? undefined)
    await artifact.close('done')
    return fetched
  } catch (error) {
    await artifact.close('aborted')
    throw error
  }
}

/** Bytes that are read at a time. */
const chunk = 256 * 1024

/** Waits for an artifact that is stored here, or reads one that is stored elsewhere; the bytes are discarded. */
async function complete(artifact: Artifact, check: SumCheck, signal: AbortSignal): Promise<Fetched> {
  const entry = artifact.stored && !check.needsBytes ? await unlessAborted(artifact.finished(), signal) : undefined
  if (entry !== undefined) return { status: artifact.as, size: entry.size, sha256: entry.sha256 }
  const buffer = Buffer.allocUnsafe(chunk)
  for (let position = 0; ;) {
    signal.throwIfAborted()
    const bytes = await artifact.content.read(buffer, position)
    if (bytes === 0) break
    check.update(buffer.subarray(0, bytes))
    position += bytes
  }
  const stored = artifact.stored ? await unlessAborted(artifact.finished(), signal) : undefined
  const sha256 = stored?.sha256 ?? artifact.content.sha256 ?? null
  return { status: artifact.as, size: check.bytes, sha256 }
}

export interface Summary {
  readonly hits: number
  readonly misses: number
  readonly failed: number
  /** Bytes of everything that is there now. */
  readonly bytes: number
}

/** A hit was there before; everything else had to be asked for. */
export function summaryOf(outcomes: readonly PrefetchOutcome[]): Summary {
  const there = outcomes.filter(({ error }) => error === undefined).map(({ result }) => result)
  const hits = there.filter(({ status }) => status === 'hit').length
  return {
    hits,
    misses: there.length - hits,
    failed: outcomes.length - there.length,
    bytes: there.reduce((sum, { size }) => sum + (size ?? 0), 0),
  }
}
