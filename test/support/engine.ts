/** An engine on a cache directory of its own, and readers for what it answers. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEngine } from '#kiss/engine/open.js'
import { type Clock, monotonic } from '#kiss/clock.js'
import type { Artifact, Content, Engine, EngineOptions, FetchRequest } from '#kiss/engine/types.js'

/** Real time, but a pause is over at once: the monotonic time jumps over it. */
export class HastyClock implements Clock {
  #slept = 0
  now(): number {
    return Date.now()
  }
  monotonic(): number {
    return monotonic() + this.#slept
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.#slept += ms
    await new Promise((resolve) => setImmediate(resolve))
    signal?.throwIfAborted()
  }
}

/** A clock that a test moves. */
export class MovableClock extends HastyClock {
  #ahead = 0
  #stepped = 0
  override now(): number {
    return super.now() + this.#ahead + this.#stepped
  }
  override monotonic(): number {
    return super.monotonic() + this.#ahead
  }
  /** Time passes. */
  move(ms: number): void {
    this.#ahead += ms
  }
  /** Somebody sets the wall clock, forward or back; no time passes. */
  step(ms: number): void {
    this.#stepped += ms
  }
}

/** Makes folders and engines, and removes them after each test of the suite that calls it. */
export function testEngines(): {
  folder: () => Promise<string>
  engine: (options?: Partial<EngineOptions>) => Promise<Engine>
} {
  const folders: string[] = []
  const engines: Engine[] = []
  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.close()))
    await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
  })
  const folder = async (): Promise<string> => {
    const path = await mkdtemp(join(tmpdir(), 'kiss-test-'))
    folders.push(path)
    return path
  }
  return {
    folder,
    async engine(options = {}) {
      const engine = await openEngine({
        cacheDir: options.cacheDir ?? (await folder()),
        clock: new HastyClock(),
        upstream: { guard: false, env: {} },
        warn: () => undefined,
        ...options,
      })
      engines.push(engine)
      return engine
    },
  }
}

export async function readContent(content: Content, sent: (bytes: number) => void = () => undefined): Promise<Buffer> {
  const chunks: Buffer[] = []
  const buffer = Buffer.allocUnsafe(64 * 1024)
  for (let position = 0; ;) {
    const n = await content.read(buffer, position)
    if (n === 0) return Buffer.concat(chunks)
    chunks.push(Buffer.from(buffer.subarray(0, n)))
    position += n
    sent(n)
  }
}

/** Reads to the end and closes, as a client would. */
export async function readArtifact(artifact: Artifact): Promise<Buffer> {
  try {
    const body = await readContent(artifact.content, (n) => artifact.sent(n))
    await artifact.close('done')
    return body
  } catch (error) {
    await artifact.close('aborted')
    throw error
  }
}

/** Fetches and reads it all, and waits until it is stored; the body and how it was served. */
export async function fetchAll(
  engine: Engine,
  url: string,
  request: Omit<FetchRequest, 'url'> = {},
): Promise<{ as: Artifact['as']; body: Buffer; artifact: Artifact }> {
  const artifact = await engine.fetch({ ...request, url: new URL(url) })
  const body = await readArtifact(artifact)
  await artifact.finished()
  return { as: artifact.as, body, artifact }
}
