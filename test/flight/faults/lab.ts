/** What the fault matrix stands on: an origin per test, engines, and one client's view of a fetch. */
import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import type { Artifact, Engine, EngineOptions, FetchRequest } from '#kiss/engine/types.js'
import type { ParallelTerms } from '#kiss/flight/parallel.js'
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

/**
 * A body of this length comes by ranges in parallel as a large one does by default, from its second piece on. The segment of the
 * first connection reaches beyond the middle of the body, where most tests cut it, and a second segment is left.
 */
export function smallRanges(length: number): Partial<ParallelTerms> {
  const size = Math.round(0.49 * length)
  return {
    connections: 4,
    memory: length,
    least: 1000,
    smallest: size,
    largest: size,
    interval: 0.01,
    fast: Number.MAX_VALUE,
  }
}

export interface Lab {
  /** Of every engine here; undefined: the default, by which a body of a test comes by one connection. */
  readonly parallel: Partial<ParallelTerms> | undefined
  readonly origin: Origin
  readonly folder: () => Promise<string>
  readonly engine: (options?: Partial<EngineOptions>) => Promise<Engine>
  /** Fetches a path of the origin to its end, or to its error. */
  get(engine: Engine, path: string, request?: Asking): Promise<Got>
  /** An open artifact of a path; closed with the test's engine. */
  open(engine: Engine, path: string, request?: Asking): Promise<Artifact>
  /** What the origin was asked, in order: `GET`, `GET bytes=5- if "1"`, `HEAD`, `GET unless "1"`. */
  asked(path: string): string[]
  /** How many ranges with an end were asked for: those of segments. */
  segmentsAsked(path?: string): number
  /** Asserts what the origin was asked, or how often. Ranges in parallel add requests: then the first one alone is compared. */
  wasAsked(path: string, expected: readonly string[] | number, message?: string): void
}

/**
 * A suite that runs twice: with one connection for each body, and with ranges in parallel wherever the origin allows them.
 *
 * @param length bytes of its bodies
 */
export function matrix(name: string, length: number, suite: (lab: Lab) => void): void {
  describe(name, () => suite(faultLab()))
  describe(`${name}, with ranges in parallel`, () => {
    const lab = faultLab(smallRanges(length))
    let used = 0
    afterEach(() => (used += lab.segmentsAsked()))
    suite(lab)
    after(() => assert.ok(used > 0, 'no range was asked for in parallel'))
  })
}

/** Call in a `describe`. */
export function faultLab(parallel?: Lab['parallel']): Lab {
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
    parallel,
    folder,
    engine: (options) => engine({ ...(parallel && { parallel }), ...options }),
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
    segmentsAsked: (path) =>
      here()
        .log(path)
        .filter(({ headers }) => /^bytes=\d+-\d+$/.test(headers.range ?? '')).length,
    wasAsked(path, expected, message) {
      const asked = this.asked(path)
      if (this.segmentsAsked(path) > 0) assert.equal(asked[0], 'GET', message)
      else if (typeof expected === 'number') assert.equal(asked.length, expected, message)
      else assert.deepEqual(asked, expected, message)
    },
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
