/** Servers of a test: started with what differs from the usual, closed after it. */

import type { OwnFields, RequestRecord, ServerLog } from '#kiss/server/request-log.js'
import { startServer, type RunningServer, type ServerOptions } from '#kiss/server/server.js'
import { StubEngine } from './stub-engine.js'

/** A log that remembers, and lets a test wait for a record. */
export class TestLog implements ServerLog {
  readonly records: RequestRecord[] = []
  readonly errors: unknown[] = []
  readonly warnings: string[] = []
  readonly #waiting: ((record: RequestRecord) => void)[] = []

  log(record: RequestRecord): void {
    this.records.push(record)
    for (const resolve of this.#waiting.splice(0)) resolve(record)
  }

  logEqual(record: RequestRecord): (own: OwnFields) => void {
    return (own) => this.log({ ...record, ...own })
  }

  next(): Promise<RequestRecord> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  info(): void {
    // Not looked at.
  }

  warn(message: string): void {
    this.warnings.push(message)
  }

  error(_message: string, error: unknown): void {
    this.errors.push(error)
  }
}

export interface TestServer extends RunningServer {
  readonly engine: StubEngine
  readonly records: TestLog
  /** The URL of the fetch endpoint for an artifact. */
  readonly fetchUrl: (url: string, more?: string) => string
}

/** Call in a `describe`: what it starts is closed after each test. */
export function testServers(): (options?: Partial<ServerOptions>) => Promise<TestServer> {
  const running: RunningServer[] = []
  afterEach(async () => {
    for (const server of running.splice(0)) await server.close()
  })
  return async (options = {}) => {
    const engine = new StubEngine()
    const log = new TestLog()
    const server = await startServer({ engine, log, host: '127.0.0.1', port: 0, version: '1.2.3', ...options })
    running.push(server)
    const fetchUrl = (url: string, more = ''): string =>
      `${server.url}api/v1/fetch?url=${encodeURIComponent(url)}${more}`
    return Object.assign(Object.create(server) as RunningServer, { engine, records: log, fetchUrl })
  }
}
