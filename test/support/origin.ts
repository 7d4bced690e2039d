/** One scripted `node:http` origin for all tests: what it serves, how it fails, and a log of what it was asked. */
import { EventEmitter, once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { answer } from './answer.js'
import type { Served, Step } from './steps.js'

export { bytes, generated, sha256, type Body } from './bytes.js'
export { latch, type Latch } from './latch.js'
export type { Step } from './steps.js'

export interface OriginSettings {
  /** An address or name to listen on; default 127.0.0.1. */
  readonly host?: string
  readonly port?: number
  /** PEM; makes it an https origin. */
  /** Sent with every answer that a step describes. */
  readonly extra?: Readonly<Record<string, string>>
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer }
}

/** For the `extra` of a scripted kiss server. */
export const AS_KISS = { 'Cache-Status': 'kiss; hit' }

/** One request, as it was asked and answered. */
export interface Logged {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** 0 until the answer begins. */
  status: number
  /** Bytes of the body given to the socket. */
  sent: number
  /** The answer ended or was cut. */
  ended: boolean
}

interface Script {
  /** Remaining steps by method; the last one stays. */
  readonly steps: Record<string, Step[]>
  served: Served
}

export class Origin {
  readonly requests: Logged[] = []
  /** Connections that were ever opened. */
  connections = 0
  readonly #scripts = new Map<string, Script>()
  readonly #events = new EventEmitter().setMaxListeners(0)
  readonly #server: Server
  readonly #scheme: string
  readonly #extra: OriginSettings['extra']

  static async start(settings: OriginSettings = {}): Promise<Origin> {
    const origin = new Origin(settings)
    origin.#server.listen(settings.port ?? 0, settings.host ?? '127.0.0.1')
    await once(origin.#server, 'listening')
    return origin
  }

  private constructor(settings: OriginSettings) {
    this.#extra = settings.extra
    this.#scheme = settings.tls === undefined ? 'http' : 'https'
    this.#server = settings.tls === undefined ? createServer() : createTlsServer(settings.tls)
    this.#server.on('connection', () => this.connections++)
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#take(request, response))
    // A client that aborts its TLS handshake is that client's error, and seen there.
    this.#server.on('tlsClientError', () => undefined)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The address of a path here; `host` names this origin otherwise (`localhost`). */
  url(path: string, host?: string): string {
    const { address, family } = this.#server.address() as AddressInfo
    return `${this.#scheme}://${host ?? (family === 'IPv6' ? `[${address}]` : address)}:${this.port}${path}`
  }

  /**
   * What requests of `path` (with or without a query) get, one step each; the last stays. What a step says of the
   * artifact holds for the steps after it; a fault holds for its step. A new script replaces an old one.
   */
  script(path: string, steps: readonly Step[]): void {
    const ofMethod = (method: string) => steps.filter((step) => (step.method ?? 'GET') === method)
    const first = steps.find((step) => step.body !== undefined) ?? {}
    this.#scripts.set(path, { steps: { GET: ofMethod('GET'), HEAD: ofMethod('HEAD') }, served: served(first) })
  }

  /** A path without faults. */
  serve(path: string, served: Served): void {
    this.script(path, [served])
  }

  /** What was asked of a path, in order; of all paths without one. */
  log(path?: string): Logged[] {
    return this.requests.filter((request) => path === undefined || request.path === path || pathname(request) === path)
  }

  /** Resolves when `path` was asked `count` times. */
  async requested(path: string, count = 1): Promise<Logged> {
    return this.#reached('asked', () => this.log(path)[count - 1])
  }

  /** The step sends slowly until the `count`th request of `path`: also a loaded machine opens a second connection. */
  slowUntil(path: string, count: number, step: Step): Step {
    return { ...step, throttle: 512 * 1024, throttleUntil: this.requested(path, count) }
  }

  /** Resolves when `count` answers of `path` have ended, well or not. */
  async answered(path: string, count = 1): Promise<Logged> {
    return this.#reached('ended', () => this.log(path).filter((request) => request.ended)[count - 1])
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #reached(event: string, find: () => Logged | undefined): Promise<Logged> {
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      await once(this.#events, event)
    }
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const method = request.method ?? ''
    const path = request.url ?? ''
    const logged: Logged = { method, path, headers: request.headers, status: 0, sent: 0, ended: false }
    this.requests.push(logged)
    response.on('close', () => {
      logged.status = response.headersSent ? response.statusCode : 0
      logged.ended = true
      this.#events.emit('ended')
    })
    request.resume()
    const step = this.#next(method, path)
    this.#events.emit('asked')
    answer(step, request, response, (bytes) => {
      logged.status = response.statusCode
      logged.sent += bytes
    }).catch((error: unknown) => response.destroy(error as Error))
  }

  #next(method: string, path: string): Step {
    const script = this.#scripts.get(path) ?? this.#scripts.get(path.replace(/\?.*$/s, ''))
    if (script === undefined) return {}
    const own = script.steps[method] ?? []
    const plain = script.served.body !== undefined
    const steps = own.length > 0 || plain ? own : (script.steps['GET'] ?? []).slice(-1)
    const step = steps.length > 1 ? steps.shift() : steps[0]
    script.served = { ...script.served, ...served(step ?? {}) }
    const extra = { ...this.#extra, ...script.served.extra }
    return { ...step, ...script.served, extra }
  }
}

function pathname(request: Logged): string {
  return request.path.replace(/\?.*$/s, '')
}

/** The part of a step that outlives it. */
function served(step: Step): Served {
  const { body, etag, lastModified, type, ranges, ignoresIfRange, framing, gzip, refusesHead, requires, extra } = step
  const all = { body, etag, lastModified, type, ranges, ignoresIfRange, framing, gzip, refusesHead, requires, extra }
  return Object.fromEntries(Object.entries(all).filter(([name]) => name in step))
}
