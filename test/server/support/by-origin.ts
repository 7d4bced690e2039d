/** A server of URLs whose origin says for how long each answer is stored. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EngineOptions } from '#kiss/engine/types.js'
import type { RunningServer } from '#kiss/server/server.js'
import { MovableClock } from '../../support/engine.js'
import type { Origin } from '../../support/origin.js'
import { get, type Answer, type ClientOptions } from './client.js'
import { engineServers } from './engine-servers.js'

/** The fields of an answer that is fresh for a minute. */
export const fresh = { 'cache-control': 'max-age=60' }

export interface Sent {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Buffer
}

export interface ByOriginServer {
  readonly server: RunningServer
  /** Asks for a path of the origin; `more` is added to the query. */
  readonly ask: (path: string, client?: ClientOptions, more?: string) => Promise<Answer>
}

export interface ByOriginLab {
  readonly origin: Origin
  /** Of the test that is running, for the engine, the server and the origin. */
  readonly clock: MovableClock
  /** The origin answers each request in turn with one of these, the last for ever. */
  readonly answers: (path: string, ...sent: Sent[]) => void
  readonly start: (options?: Partial<EngineOptions>) => Promise<ByOriginServer>
  /** Requests for a path at the origin. */
  readonly asked: (path: string) => number
}

/** Call in a `describe`: what it starts is closed after each test. */
export function byOriginLab(): ByOriginLab {
  const here = engineServers()
  let clock: MovableClock
  beforeEach(() => (clock = new MovableClock()))
  return {
    get origin() {
      return here.origin
    },
    get clock() {
      return clock
    },
    answers(path, ...sent) {
      const steps = sent.map(({ status = 200, headers = {}, body = '' }) => ({
        handler: (_: IncomingMessage, response: ServerResponse) => {
          response.writeHead(status, { date: new Date(clock.now()).toUTCString(), ...headers })
          response.end(body)
        },
      }))
      here.origin.script(path, steps)
    },
    async start(options = {}) {
      const rules = [{ match: [here.origin.url('/**')], freshness: 'origin' as const, place: 'kiss.yaml:1' }]
      const { server } = await here.start({ now: () => clock.now() }, { clock, rules, ...options })
      const ask = (path: string, client: ClientOptions = {}, more = ''): Promise<Answer> =>
        get(`${server.url}api/v1/fetch?url=${encodeURIComponent(here.origin.url(path))}${more}`, client)
      return { server, ask }
    },
    asked: (path) => here.origin.log(path).length,
  }
}
