/** Servers over a real engine, and an origin. */

import type { EngineOptions } from '#kiss/engine/types.js'
import { startServer, type RunningServer, type ServerOptions } from '#kiss/server/server.js'
import { testEngines } from '../../support/engine.js'
import { Origin } from '../../support/origin.js'
import { TestLog } from './servers.js'

export interface EngineServers {
  /** That of the test that is running. */
  readonly origin: Origin
  start(
    options?: Partial<ServerOptions>,
    engineOptions?: Partial<EngineOptions>,
  ): Promise<{ readonly server: RunningServer; readonly log: TestLog }>
}

/** Call in a `describe`: what it starts is closed after each test. */
export function engineServers(): EngineServers {
  const engines = testEngines()
  const servers: RunningServer[] = []
  let origin: Origin
  beforeEach(async () => {
    origin = await Origin.start()
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close()
    await origin.close()
  })
  return {
    get origin() {
      return origin
    },
    async start(options = {}, engineOptions = {}) {
      const engine = await engines.engine(engineOptions)
      const log = new TestLog()
      const server = await startServer({ engine, log, host: '127.0.0.1', port: 0, version: '1', ...options })
      servers.push(server)
      return { server, log }
    },
  }
}
