/** An engine whose artifacts a test scripts by hand, for tests of the server alone. */

import { isEmptyFilter } from '#kiss/server/entry-filter.js'
import { selects } from '#kiss/store/select.js'
import { KissError } from '#kiss/errors.js'
import type {
  Artifact,
  Catalogue,
  Engine,
  EngineStatus,
  EntryDetails,
  FetchRequest,
  PurgeFilter,
  ShownEntry,
} from '#kiss/engine/types.js'
import type { StoredHeaders } from '#kiss/http/stored.js'
import { counterNames, type Counts, type Entry, type ServedAs } from '#kiss/store/types.js'
import type { Figures } from '#kiss/store/figures/figures.js'
import { intervalsOf, spans } from '#kiss/store/figures/intervals.js'
import { displayUrl } from '#kiss/http/urls.js'
import { memoryCatalogue } from './catalogue.js'
import { finishedBody, GrowingBody } from './stub-bodies.js'

export interface StubArtifactOptions {
  readonly as?: ServedAs
  readonly headers?: StoredHeaders
  readonly private?: boolean
  readonly stored?: boolean
  readonly detail?: Artifact['detail']
  /** Milliseconds since the epoch. */
  readonly validatedAt?: number
  readonly staleAt?: number
}

export class StubArtifact implements Artifact {
  readonly as: ServedAs
  readonly url: string
  readonly headers: StoredHeaders
  readonly entry: Entry | undefined
  readonly private: boolean
  readonly detail: Artifact['detail']
  readonly stored: boolean
  readonly content: GrowingBody
  /** Bytes that were counted as sent. */
  sentBytes = 0
  readonly closed: Promise<'done' | 'aborted'>
  #close!: (outcome: 'done' | 'aborted') => void
  closings = 0

  constructor(request: FetchRequest, body: GrowingBody, options: StubArtifactOptions = {}) {
    this.content = body
    this.as = options.as ?? (body.complete ? 'hit' : 'miss')
    this.url = displayUrl(request.url)
    this.headers = options.headers ?? {}
    this.private = options.private ?? false
    this.detail = options.detail
    this.stored = options.stored ?? true
    this.entry = body.complete ? entryOf(this.url, body, options) : undefined
    this.closed = new Promise((resolve) => (this.#close = resolve))
    // As the real one: a reader that leaves gets no more bytes.
    const { signal } = request
    signal?.addEventListener('abort', () => body.fail(signal.reason as KissError))
  }

  progress(): { received: number; length: number | undefined } {
    return { received: this.content.bytes.length, length: this.content.length }
  }

  async finished(): Promise<Entry> {
    await this.content.finished()
    return entryOf(this.url, this.content, {})
  }

  path(): string {
    return '/dev/null'
  }

  sent(bytes: number): void {
    this.sentBytes += bytes
  }

  async close(outcome: 'done' | 'aborted'): Promise<void> {
    this.closings++
    this.#close(outcome)
    await this.content.close()
  }
}

function entryOf(url: string, body: GrowingBody, options: StubArtifactOptions): Entry {
  const validatedAt = options.validatedAt ?? 0
  return {
    id: 'k',
    url,
    sha256: body.sha256 ?? '',
    size: body.length ?? 0,
    headers: options.headers ?? {},
    storedAt: validatedAt,
    validatedAt,
    staleAt: options.staleAt ?? validatedAt + 864_000_000,
    lifetime: 864_000_000,
    lastUsedAt: validatedAt,
    hits: 0,
    private: options.private ?? false,
    unverified: false,
  }
}

export const emptyStatus: EngineStatus = {
  counts: Object.fromEntries(counterNames.map((name) => [name, 0])) as unknown as Counts,
  usage: { blobs: 0, reserved: 0, logical: 0 },
  quota: undefined,
  counted: 0,
  entries: 0,
  pinned: { entries: 0, bytes: 0 },
  downloads: [],
  failures: [],
  instance: 'stub',
}

/** As the store's, but of this process alone and without a past. */
function memoryFigures(): { -readonly [Name in keyof Figures]: Figures[Name] } {
  const sums = new Map<string, number>()
  let told: readonly object[] = []
  return {
    add: (name, n) => void sums.set(name, (sums.get(name) ?? 0) + n),
    count: () => undefined,
    sums: async () => sums,
    servedOf: () => undefined,
    hosts: async () => [],
    note: async () => undefined,
    history: async (span) => intervalsOf([], spans[span], 0),
    tell: async (figures) => void (told = [figures]),
    processes: async () => told,
    leave: async () => void (told = []),
  }
}

type Answer = (request: FetchRequest) => StubArtifact | Promise<StubArtifact>

export class StubEngine implements Engine {
  readonly requests: FetchRequest[] = []
  readonly artifacts: StubArtifact[] = []
  readonly purges: PurgeFilter[] = []
  state: EngineStatus = emptyStatus
  readonly #answers = new Map<string, Answer>()

  /** Answers a URL (its href) with a body. */
  serve(url: string, body: GrowingBody | string | Uint8Array, options?: StubArtifactOptions): GrowingBody {
    const content = body instanceof GrowingBody ? body : finishedBody(body)
    this.answer(url, (request) => new StubArtifact(request, content, options))
    return content
  }

  answer(url: string, answer: Answer): void {
    this.#answers.set(url, answer)
  }

  refuse(url: string, error: Error): void {
    this.answer(url, () => {
      throw error
    })
  }

  async fetch(request: FetchRequest): Promise<Artifact> {
    this.requests.push(request)
    const answer = this.#answers.get(request.url.href)
    if (answer === undefined) throw new KissError('origin-refused', `${displayUrl(request.url)}: 404`, { status: 404 })
    const artifact = await answer(request)
    this.artifacts.push(artifact)
    return artifact
  }

  again(): undefined {
    return undefined
  }

  sentAgain(): void {
    // Nothing is served again.
  }

  get lastRequest(): FetchRequest {
    return this.requests.at(-1)!
  }

  get lastArtifact(): StubArtifact {
    return this.artifacts.at(-1)!
  }

  async *list(after = ''): AsyncIterable<Entry> {
    for (const { entry } of this.artifacts) if (entry !== undefined && entry.id > after) yield entry
  }

  async *select(filter: PurgeFilter, after?: string): AsyncIterable<ShownEntry> {
    const isChosen = selects(isEmptyFilter(filter) ? { all: true } : filter, Date.now())
    for await (const entry of this.list(after)) if (isChosen(entry)) yield entry
  }

  async pin(): Promise<ShownEntry[]> {
    return []
  }

  async open(): Promise<undefined> {
    return undefined
  }

  intake(): never {
    throw new Error('not used here')
  }

  async unpin(): Promise<ShownEntry[]> {
    return []
  }

  async entry(id: string): Promise<EntryDetails | undefined> {
    for await (const entry of this.list()) {
      if (entry.id.startsWith(id)) return { entry, sharing: [], sharedByMore: false, hitsByDay: new Map() }
    }
    return undefined
  }

  async setQuota(): Promise<void> {
    // It has none.
  }

  async purge(filter: PurgeFilter): Promise<{ removed: number; bytes: number; dryRun: boolean }> {
    this.purges.push(filter)
    return { removed: 1, bytes: 5, dryRun: false }
  }

  async verify(): Promise<never> {
    throw new Error('not used here')
  }

  get catalogue(): Catalogue {
    return memoryCatalogue(() => this.artifacts.flatMap(({ entry }) => entry ?? []), Date.now())
  }

  readonly figures = memoryFigures()

  async status(): Promise<EngineStatus> {
    return this.state
  }

  async reconfigure(): Promise<void> {
    // Nothing can change.
  }

  async close(): Promise<void> {
    // Nothing is open.
  }
}
