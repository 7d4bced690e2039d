/** Engines whose parents are kiss servers over real engines, or scripted ones. */
import type { Engine, EngineOptions, FetchRequest } from '#kiss/engine/types.js'
import type { Parents } from '#kiss/upstream/types.js'
import { readArtifact, testEngines } from '../../support/engine.js'
import { AS_KISS, Origin } from '../../support/origin.js'
import { engineServers, type EngineServers } from './engine-servers.js'

/** The fetch endpoint of a scripted parent for `/f`. */
export const ENDPOINT = '/api/v1/fetch/f'

export interface ParentLab {
  /** Real parents, and the origin. */
  readonly tiers: EngineServers
  /** A scripted parent. */
  readonly parent: Origin
  /** An engine that asks these parents. */
  readonly child: (
    to: string | readonly string[],
    more?: Partial<Parents>,
    options?: Partial<EngineOptions>,
  ) => Promise<Engine>
}

/** Call in a `describe`: what it starts is closed after each test. */
export function parentLab(): ParentLab {
  const tiers = engineServers()
  const engines = testEngines()
  let parent: Origin
  beforeEach(async () => (parent = await Origin.start({ extra: AS_KISS })))
  afterEach(() => parent.close())
  return {
    tiers,
    get parent() {
      return parent
    },
    child: (to, more = {}, options = {}) =>
      engines.engine({
        upstream: { guard: false, env: {}, parents: { of: [{ to: [to].flat() }], ...more } },
        retryFor: 3000,
        ...options,
      }),
  }
}

export async function fetchFrom(engine: Engine, url: string, request: Partial<FetchRequest> = {}): Promise<Buffer> {
  return readArtifact(await engine.fetch({ url: new URL(url), ...request }))
}

/** Bytes that the engine has downloaded: all, and those from parents. */
export async function downloadedBy(engine: Engine): Promise<[all: number, fromParents: number]> {
  const { downloaded, downloaded_parent: fromParents } = (await engine.status()).counts
  return [downloaded, fromParents]
}
