/** The HTTP server: listens, hands requests to dispatch and replies to the writer, drains, closes. */

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { networkInterfaces } from 'node:os'
import type { Engine } from '../engine/types.js'
import { printable } from '../printable.js'
import { defaultPassedHeaders } from '../http/passed-headers.js'
import { accelPrefix } from './accel.js'
import { Access, type AccessOptions } from './access.js'
import { BufferPool } from './buffer-pool.js'
import { dispatch, locate, noteError } from './dispatch.js'
import { informing, readIncoming } from './incoming.js'
import { limits, type Limits } from './limits.js'
import { listen, makeListener, shut, tellRefused } from './listener.js'
import { problemReply } from './problem.js'
import { Readers } from './readers.js'
import { Repeats } from './repeats.js'
import type { Reply } from './reply.js'
import type { ServerLog } from './request-log.js'
import type { Incoming, Route, Services } from './route.js'
import { clientLeft } from './response-sink.js'
import { routes as ownRoutes } from './routes.js'
import { Self } from './self.js'
import { loadSendfile } from './sendfile.js'
import type { TlsFiles, TlsMaterial } from './tls.js'
import { VerbatimRequests } from './verbatim.js'
import { LONGEST_TIMER } from '../waits.js'
import { Turns } from './turns.js'
import { writeReply } from './write-reply.js'

export interface ServerOptions {
  readonly engine: Engine
  readonly log: ServerLog
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly version: string
  readonly access?: AccessOptions
  readonly tls?: TlsFiles
  /** Accepted names of this server beside addresses and `localhost`. */
  readonly serverNames?: readonly string[]
  /** Milliseconds that draining waits for readers; default 30 s. */
  readonly drainTimeout?: number
  /** This instance's name in Via, as the upstream client sends it: the same here and there. */
  readonly via?: string
  /** Names of client headers that go on to origins. */
  readonly passHeaders?: readonly string[]
  /** Path of an nginx location that is internal and has `<cache-dir>/blobs`: nginx sends the bytes of hits itself. */
  readonly accelRedirect?: string
  /** Further pages. They come first and can replace built-in pages. */
  readonly routes?: readonly Route[]
  readonly limits?: Partial<Limits>
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  readonly newId?: () => string
}

export interface RunningServer {
  /** `http://127.0.0.1:8001/`, as a client would write it. */
  readonly url: string
  readonly port: number
  /** Its names and addresses. */
  readonly self: Self
  /** Readers being served. */
  readonly readers: number
  /**
   * Lets the readers finish for at most the drain timeout, answers new requests with 503, then closes. Resolves when it is
   * closed; a second call waits for the same end.
   */
  drain(): Promise<void>
  /** Closes now, cutting readers short. */
  close(): Promise<void>
  /** Replaces the certificate; connections that are open keep the old one. */
  updateTls(material: TlsMaterial): void
  /** Replaces the rules of access. @throws KissError `usage`; then nothing has changed */
  updateAccess(options: AccessOptions): void
}

/** @throws KissError `configuration` when it cannot listen there, `usage` for an address that is none */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const bounds: Limits = { ...limits, ...options.limits }
  const server = makeListener(options.tls, bounds)
  tellRefused(server, (line) => options.log.warn(line))
  const access = new Access(options.access)
  const prefix = options.accelRedirect === undefined ? undefined : accelPrefix(options.accelRedirect)
  // TLS encrypts in this process.
  const sendfile = options.tls === undefined ? await loadSendfile() : undefined
  const { address, port } = await listen(server, options.host, options.port)
  const authority = `${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`
  const readers = new Readers()
  const turns = new Turns()
  server.on('connection', () => turns.connected())
  let draining: Promise<void> | undefined
  const self = new Self({
    host: options.host,
    address,
    port,
    serverNames: options.serverNames ?? [],
    addresses: ownAddresses(),
    via: options.via,
  })
  const services: Services = {
    engine: options.engine,
    access,
    self,
    pool: new BufferPool({ limit: bounds.buffers, turns }),
    now: options.now ?? Date.now,
    version: options.version,
    passHeaders: (options.passHeaders ?? defaultPassedHeaders).map((name) => name.toLowerCase()),
    patience: bounds.patience,
    queuePatience: bounds.queuePatience,
    draining: () => draining !== undefined,
    ...(prefix !== undefined && { accelPrefix: prefix }),
  }
  const routes = [...(options.routes ?? []), ...ownRoutes]
  const newId = options.newId ?? numberedIds()
  const context = { access, tls: options.tls !== undefined, newId, authority }
  const repeats = new Repeats({ engine: options.engine, access, readers, log: options.log, newId, now: services.now })
  const verbatim = options.tls === undefined ? new VerbatimRequests(server, repeats) : undefined

  server.on('request', (message: IncomingMessage, response: ServerResponse) => {
    // A request that was read before the connection ended.
    if (message.socket.destroyed) return
    if (draining === undefined && repeats.send(message, response)) return
    const leaving = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) leaving.abort(clientLeft())
    })
    // Every write gets the error of a broken connection by its own callback.
    response.on('error', () => undefined)
    const { route, request } = locate(
      readIncoming(message, { ...context, signal: leaving.signal, inform: informing(message, response) }),
      routes,
    )
    // The end of its body is not certain, so no following bytes may be read as a request.
    if (message.httpVersion === '1.0' && message.headers['transfer-encoding'] !== undefined) {
      response.shouldKeepAlive = false
    }
    const work = (): Promise<void> =>
      answer(request, response, async () => {
        const reply = await dispatch({ route, request }, services)
        repeats.learn(message, request, reply)
        return reply
      })
    void (route?.reader === true && draining === undefined ? readers.during(work) : work())
  })

  async function answer(request: Incoming, response: ServerResponse, decide: () => Promise<Reply>): Promise<void> {
    const startedAt = performance.now()
    const report = (error: unknown): void => options.log.error(`request ${request.id} failed`, error)
    const problem = (error: unknown): Reply => problemReply(noteError(error, request, report))
    const written = await writeReply(response, {
      reply: await decide().catch(problem),
      head: request.method === 'HEAD',
      headers: {
        Server: 'kiss',
        'X-Request-Id': request.id,
        ...(draining !== undefined && { Connection: 'close' }),
      },
      problem,
      sendfile,
    })
    if (written.error !== undefined) noteError(written.error, request, report)
    const { status, bytes, outcome } = written
    const { handedOver = 0, ...notes } = request.notes
    options.log.log({
      id: request.id,
      method: request.method,
      path: printable(request.path),
      ...notes,
      status,
      bytes: bytes + handedOver,
      firstByte: Math.round(written.firstByteAt - startedAt),
      duration: Math.round(performance.now() - startedAt),
      client: request.client,
      outcome,
    })
  }

  async function drain(): Promise<void> {
    verbatim?.stop()
    // Idle connections stay open: `closeIdleConnections` also closes those whose ended answer waits for room in the socket.
    const patience = Math.min(options.drainTimeout ?? 30_000, LONGEST_TIMER)
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, patience)))
    await Promise.race([readers.gone(), timeout])
    clearTimeout(timer)
    await shut(server)
  }

  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${authority}/`,
    port,
    self,
    get readers() {
      return readers.count
    },
    drain: () => (draining ??= drain()),
    close: () => shut(server),
    updateAccess: (next) => access.update(next),
    updateTls: (material) => {
      if ('setSecureContext' in server) server.setSecureContext(material)
    },
  }
}

/** Ids that no other process gives: a random part and a number. A random UUID for each request took 1 µs. */
function numberedIds(): () => string {
  const prefix = randomBytes(12).toString('base64url')
  let number = 0
  return () => `${prefix}-${++number}`
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address))
}
