/** An engine on a cache directory of its own, with what tests need of it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEngine } from '#kiss/engine/open.js'
import type { Engine, EngineOptions } from '#kiss/engine/types.js'
import { HastyClock } from './clocks.js'

export { HastyClock, MovableClock } from './clocks.js'
export { fetchAll, readArtifact, readContent } from './reading.js'

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
