/** The listening socket: made with its limits, bound, shut. */

import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { asKissError, systemCode } from '../errors.js'
import type { Limits } from './limits.js'
import { readTls, type TlsFiles } from './tls.js'
import { explainUnreadable } from './unreadable.js'

export type Listener = Server | TlsServer

export function makeListener(tls: TlsFiles | undefined, bounds: Limits): Listener {
  const common = {
    maxHeaderSize: bounds.headerSize,
    headersTimeout: bounds.headersTimeout,
    requestTimeout: bounds.requestTimeout,
    keepAliveTimeout: bounds.idleTimeout,
    connectionsCheckingInterval: 1000,
  }
  const server =
    tls === undefined
      ? createServer(common)
      : createTlsServer({ ...common, ...readTls(tls), minVersion: 'TLSv1.2', handshakeTimeout: bounds.headersTimeout })
  server.maxConnections = bounds.connections
  server.timeout = bounds.stalledTimeout
  watchPipelines(server, bounds.pipelined)
  explainUnreadable(server, bounds.headerSize)
  server.on('connect', (message: IncomingMessage, socket: Socket) => {
    const refusal = tunnelRefusal(message, socket)
    if (refusal !== undefined) server.emit('request', message, refusal)
  })
  return server
}

/**
 * Closes a connection with too many waiting requests: otherwise one connection with slow requests could hold any amount of
 * memory. RFC 9112 §9.3.2 allows that for pipelined requests. When a connection ends, the responses that wait behind the
 * current one are destroyed: node:http does so only for the current one, and the memory of the others would never be freed.
 */
function watchPipelines(server: Listener, most: number): void {
  const pipelines = new WeakMap<Socket, Set<ServerResponse>>()
  const pipelineOf = (socket: Socket): Set<ServerResponse> => {
    const responses = new Set<ServerResponse>()
    pipelines.set(socket, responses)
    socket.once('close', () => responses.forEach(closeWaiting))
    return responses
  }
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    // Its turn has come already, as that of nearly all requests.
    if (response.socket !== null) return
    const responses = pipelines.get(socket) ?? pipelineOf(socket)
    responses.add(response)
    response.once('close', () => responses.delete(response))
    const [oldest] = responses
    // The current response counts too, and is among these if it has waited.
    if (responses.size + (oldest?.socket === null ? 1 : 0) > most) socket.destroy()
  })
}

/** Only the current response has a socket. */
function closeWaiting(response: ServerResponse): void {
  if (response.socket !== null) return
  response.destroy()
  response.emit('close')
}

/** Milliseconds between two equal lines. */
const SILENCE = 60_000

/** A refused client sees only a closed connection; the log has the reason. */
export function tellRefused(server: Listener, warn: (line: string) => void): void {
  let toldAt = -Infinity
  server.on('drop', () => {
    const now = performance.now()
    if (now - toldAt < SILENCE) return
    toldAt = now
    warn(`connections are refused: ${server.maxConnections} are open, and no more may be`)
  })
}

/**
 * node:http closes a CONNECT without an answer unless a listener takes its socket; this is the last answer on it. undefined: the
 * connection was closed because an earlier request is not answered yet, and node:http sends no answer behind that one any more.
 */
function tunnelRefusal(message: IncomingMessage, socket: Socket): ServerResponse | undefined {
  const response = new ServerResponse(message)
  response.shouldKeepAlive = false
  socket.on('error', () => response.destroy())
  try {
    response.assignSocket(socket)
  } catch {
    // Another response has it.
    socket.destroy()
    return undefined
  }
  socket.on('close', () => response.destroy())
  response.on('finish', () => socket.destroySoon())
  return response
}

/**
 * Connections that wait to be accepted; Linux takes less where `net.core.somaxconn` is less (4096). With Node's 511, 5,000
 * clients that connected at once were refused by the kernel and tried again: the last of them waited 28 s for its first byte.
 */
const BACKLOG = 65_535

/** @returns where it listens @throws KissError `configuration` */
export async function listen(server: Listener, host: string, port: number): Promise<AddressInfo> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port, host, backlog: BACKLOG }, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    const taken = systemCode(error) === 'EADDRINUSE' ? '; choose another with --port' : ''
    throw asKissError(error, 'configuration', `cannot listen on ${host}, port ${port}${taken}`)
  }
  return server.address() as AddressInfo
}

/** Closes the listener and every connection. */
export async function shut(server: Listener): Promise<void> {
  await new Promise<void>((resolve) => {
    // Its only error is that the server is closed already.
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
