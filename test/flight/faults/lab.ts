/** What the fault matrix stands on: an origin per test, engines, and one client's view of a fetch. */
import { KissError } from '#kiss/errors.js'
import type { Artifact, Engine, EngineOptions, FetchRequest } from '#kiss/engine/types.js'
import type { Entry } from '#kiss/store/types.js'
import { testEngines } from '../../support/engine.js'
import { Origin } from '../../support/origin.js'

/** What one client got. */
export interface Got {
  /** Every byte that was delivered, whatever the end. */
  readonly body: Buffer
  readonly as: Artifact['as'] | undefined
  readonly detail: Artifact['detail']
  /** `undefined`: the body came to its end. */
  readonly code: string | undefined
  readonly status: number | undefined
  readonly error: KissError | undefined
  /** What is stored now. */
  readonly entry: Entry | undefined
}

type Asking = Omit<FetchRequest, 'url'>

export interface Lab {
  readonly origin: Origin
  readonly folder: () => Promise<string>
  readonly engine: (options?: Partial<EngineOptions>) => Promise<Engine>
  /** Fetches a path of the origin to its end, or to its error. */
  get(engine: Engine, path: string, request?: Asking): Promise<Got>
  /** An open artifact of a path; closed with the test's engine. */
  open(engine: Engine, path: string, request?: Asking): Promise<Artifact>
  /** What the origin was asked, in order: `GET`, `GET bytes=5- if "1"`, `HEAD`, `GET unless "1"`. */
  asked(path: string): string[]
}

/** Call in a `describe`. */
export function faultLab(): Lab {
  const { folder, engine } = testEngines()
  let origin: Origin | undefined
  beforeEach(async () => (origin = await Origin.start()))
  afterEach(() => origin?.close())
  const here = (): Origin => {
    if (!origin) throw new Error('the origin is there within a test only')
    return origin
  }
  return {
    get origin() {
      return here()
    },
    folder,
    engine,
    open: (kiss, path, request = {}) => kiss.fetch({ ...request, url: new URL(here().url(path)) }),
    async get(kiss, path, request = {}) {
      return getUrl(kiss, here().url(path), request)
    },
    asked: (path) =>
      here()
        .log(path)
        .map(({ method, headers }) => {
          const range = headers.range === undefined ? '' : ` ${headers.range}`
          const only = headers['if-range'] === undefined ? '' : ` if ${String(headers['if-range'])}`
          const tag = headers['if-none-match'] === undefined ? '' : ` unless ${headers['if-none-match']}`
          return `${method}${range}${only}${tag}`
        }),
  }
}

export async function getUrl(kiss: Engine, url: string, request: Asking = {}): Promise<Got> {
  const chunks: Buffer[] = []
  let artifact: Artifact | undefined
  let error: unknown
  let entry: Entry | undefined
  try {
    artifact = await kiss.fetch({ ...request, url: new URL(url) })
    await readInto(artifact, chunks)
    entry = await artifact.finished()
    await artifact.close('done')
  } catch (failure) {
    error = failure
    await artifact?.close('aborted')
  }
  const known = error instanceof KissError ? error : undefined
  if (error !== undefined && !known) throw error as Error
  return {
    body: Buffer.concat(chunks),
    as: artifact?.as,
    detail: artifact?.detail,
    code: known?.code,
    status: known?.status,
    error: known,
    entry,
  }
}

/** Reads on from what is there until the end. */
export async function readInto(artifact: Artifact, chunks: Buffer[]): Promise<void> {
  for (let position = chunks.reduce((sum, chunk) => sum + chunk.length, 0); ;) {
    const buffer = Buffer.allocUnsafe(64 * 1024)
    const n = await artifact.content.read(buffer, position)
    if (n === 0) return
    chunks.push(buffer.subarray(0, n))
    artifact.sent(n)
    position += n
  }
}

/** Reads from `from` until `to` bytes were delivered. */
export async function readUpTo(artifact: Artifact, to: number, from = 0): Promise<Buffer> {
  const chunks: Buffer[] = []
  for (let position = from; position < to;) {
    const buffer = Buffer.allocUnsafe(Math.min(64 * 1024, to - position))
    const n = await artifact.content.read(buffer, position)
    if (n === 0) break
    chunks.push(buffer.subarray(0, n))
    position += n
  }
  return Buffer.concat(chunks)
}
