/** A server over a real engine, an origin that lies, and a canary on the addresses where kiss must never connect. */
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Server as NetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEngine } from '#kiss/engine/open.js'
import type { Engine } from '#kiss/engine/types.js'
import type { RequestRecord } from '#kiss/server/request-log.js'
import { startServer, type RunningServer } from '#kiss/server/server.js'
import { HastyClock } from '../engine.js'
import { bytes } from '../bytes.js'

/** The one address that the guard allows, where the origin is. */
const ORIGIN = '127.0.0.2'
/** Milliseconds that an answer may take before it counts as hanging. */
const HANGING = 30_000

export interface Figures {
  readonly requests: number
  /** By status; 0 for connections that ended without an answer that kiss logged. */
  readonly statuses: Readonly<Record<string, number>>
  readonly originRequests: number
  /** What nobody foresaw. */
  readonly errors: readonly string[]
  /** Connections to forbidden addresses. */
  readonly forbidden: number
  readonly hanging: number
}

export class FuzzTarget {
  readonly #records: RequestRecord[] = []
  readonly #errors: string[] = []
  #sent = 0
  #forbidden = 0
  #asked = 0
  #hanging = 0

  static async open(): Promise<FuzzTarget> {
    const folder = await mkdtemp(join(tmpdir(), 'kiss-fuzz-'))
    const target = new FuzzTarget(folder)
    await target.#start()
    return target
  }

  #canary!: NetServer
  #origin!: Server
  #engine!: Engine
  #server!: RunningServer

  private constructor(readonly folder: string) {}

  /** Listens on every address of this machine: whoever finds a way to one of them is noticed. */
  get canaryPort(): number {
    return (this.#canary.address() as AddressInfo).port
  }

  get originPort(): number {
    return (this.#origin.address() as AddressInfo).port
  }

  get port(): number {
    return this.#server.port
  }

  async #start(): Promise<void> {
    this.#canary = createServer((socket) => {
      this.#forbidden++
      socket.destroy()
    })
    this.#canary.listen(0, '::')
    this.#origin = createHttpServer((request, response) => this.#lie(request, response))
    this.#origin.listen(0, ORIGIN)
    await Promise.all([once(this.#canary, 'listening'), once(this.#origin, 'listening')])
    this.#engine = await openEngine({
      cacheDir: join(this.folder, 'cache'),
      clock: new HastyClock(),
      quota: 2_000_000,
      retryFor: 1,
      stallTimeout: 1000,
      warn: (message) => this.#errors.push(message),
      upstream: {
        allow: [`${ORIGIN}:${this.originPort}`],
        maxDownloads: 64,
        env: {},
        via: 'kiss-fuzzed',
      },
    })
    this.#server = await startServer({
      engine: this.#engine,
      host: '127.0.0.1',
      port: 0,
      version: '1',
      via: 'kiss-fuzzed',
      limits: { headersTimeout: 1000, requestTimeout: 2000 },
      access: { adminTokens: ['admin'], trustProxies: ['127.0.0.1'] },
      log: {
        log: (record) => this.#records.push(record),
        logEqual: (record) => (own) => this.#records.push({ ...record, ...own }),
        info: () => undefined,
        warn: () => undefined,
        error: (message, error) =>
          this.#errors.push(`${message}: ${error instanceof Error ? String(error.stack) : String(error)}`),
      },
    })
  }

  /** What the path says: a status, a redirect, headers of its own, a body that is cut; else a small artifact. */
  #lie(request: IncomingMessage, response: ServerResponse): void {
    this.#asked++
    const { pathname, searchParams } = new URL(`http://origin${request.url ?? '/'}`)
    const to = searchParams.get('to')
    const body = bytes(pathname, pathname.length * 100)
    try {
      if (to !== null) response.setHeader('location', to)
      for (const [name, value] of searchParams) if (name.startsWith('h-')) response.setHeader(name.slice(2), value)
    } catch {
      // What cannot be sent is not.
    }
    const status = Number(/^\/(\d{3})\b/.exec(pathname)?.[1] ?? 200)
    response.statusCode = status >= 200 && status < 600 ? status : 200
    if (!response.hasHeader('etag')) response.setHeader('etag', `"${pathname.length}"`)
    if (!pathname.includes('cut')) return void response.end(body)
    response.write(body.subarray(0, 50), () => request.socket.destroy())
  }

  /** Sends bytes as they are; resolves when the connection is closed. `leaving`: the client says that it has gone. */
  send(text: string, leaving = false): Promise<void> {
    this.#sent++
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1', () => {
        if (leaving) socket.end(text, 'latin1')
        else socket.write(text, 'latin1')
      })
      const timer = setTimeout(() => {
        this.#hanging++
        this.#errors.push(`no end within ${HANGING / 1000} s: ${JSON.stringify(text)}`)
        socket.destroy()
      }, HANGING)
      // A server may reset what is no HTTP.
      socket.on('error', () => undefined)
      socket.resume()
      socket.on('close', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  figures(): Figures {
    const statuses: Record<string, number> = {}
    for (const { status } of this.#records) statuses[status] = (statuses[status] ?? 0) + 1
    return {
      requests: this.#sent,
      statuses,
      originRequests: this.#asked,
      errors: [...this.#errors],
      forbidden: this.#forbidden,
      hanging: this.#hanging,
    }
  }

  async close(): Promise<void> {
    await this.#server.close()
    await this.#engine.close()
    for (const server of [this.#canary, this.#origin]) server.close()
    this.#origin.closeAllConnections()
    await rm(this.folder, { recursive: true, force: true })
  }
}
