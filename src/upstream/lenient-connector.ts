/** Connections for undici: as they are, and with answers that are made fit for its strict parser (leniency.ts). */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { Client, Pool, type Agent, type Dispatcher, type buildConnector } from 'undici'
import { Leniency } from './leniency.js'

type Factory = NonNullable<Agent.Options['factory']>

/** For Agent and ProxyAgent: makes the pools of one origin. The address guard, proxies and TLS stay as they are. */
export const strictFactory: Factory = poolsOf((socket) => socket)
export const lenientFactory: Factory = poolsOf((socket) => new LenientSocket(socket) as unknown as Socket)

function poolsOf(adapted: (socket: Socket) => Socket): Factory {
  return (origin, options): Dispatcher => {
    const { connect, connections, ...rest } = options as Pool.Options & { connect: buildConnector.connector }
    const own = {
      ...rest,
      connect: ((target, callback) =>
        connect(target, (error, socket) => {
          if (error !== null) callback(error, null)
          else callback(null, resumedAtEnd(adapted(socket)))
        })) satisfies buildConnector.connector,
    }
    return connections === 1 ? new Client(origin, own) : new Pool(origin, own)
  }
}

/**
 * The parser of undici 7 pauses while the reader of a body is slow. If a connection ends meanwhile, and its end may be that
 * of the body, undici asserts in an event of the socket that the parser is not paused, and the error would end this process.
 * These listeners come before those of undici.
 */
function resumedAtEnd(socket: Socket): Socket {
  socket.on('end', () => {
    const parser = parserOf(socket)
    // All bytes were parsed. It may not know yet that they were the last ones of the announced length.
    parser?.resume()
    if (parser?.paused !== true) return
    // Only the end is left: it pushed no bytes to the body, which is full, and paused again.
    parser.llhttp.llhttp_resume(parser.ptr)
    parser.paused = false
  })
  socket.on('close', () => {
    const parser = parserOf(socket)
    // There was no end: the body is cut.
    if (parser?.paused === true) parser.shouldKeepAlive = true
  })
  return socket
}

/** Internals of undici 7. */
interface Parser {
  paused: boolean
  resume(): void
  /** False: the end of the connection may be that of the body. */
  shouldKeepAlive: boolean
  readonly ptr: number
  readonly llhttp: { llhttp_resume(ptr: number): void }
}

function parserOf(socket: Socket): Parser | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser')
  return key && ((socket as unknown as Record<symbol, Parser | null>)[key] ?? undefined)
}

/** A socket whose incoming bytes pass through Leniency; for one exchange. */
class LenientSocket extends Duplex {
  readonly #socket: Socket
  readonly #leniency = new Leniency()

  constructor(socket: Socket) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#pass(this.#leniency.take(bytes)))
    socket.on('end', () => {
      this.#pass(this.#leniency.end())
      this.push(null)
    })
    socket.on('error', (error) => this.destroy(error))
    // After an end there may be bytes that were not read yet.
    socket.on('close', () => socket.readableEnded || this.destroy())
  }

  #pass(parts: readonly Buffer[]): void {
    for (const part of parts) if (!this.push(part)) this.#socket.pause()
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(bytes: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(bytes, encoding, done)
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
