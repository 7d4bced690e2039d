/** Connections whose answers are made fit for a strict parser (leniency.ts). */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { Client, Pool, type Agent, type Dispatcher, type buildConnector } from 'undici'
import { Leniency } from './leniency.js'

/** For Agent and ProxyAgent: makes the pools of one origin. The address guard, proxies and TLS stay as they are. */
export const lenientFactory: NonNullable<Agent.Options['factory']> = (origin, options): Dispatcher => {
  const { connect, connections, ...rest } = options as Pool.Options & { connect: buildConnector.connector }
  const lenient = {
    ...rest,
    connect: ((target, callback) =>
      connect(target, (error, socket) => {
        if (error !== null) callback(error, null)
        else callback(null, new LenientSocket(socket) as unknown as Socket)
      })) satisfies buildConnector.connector,
  }
  return connections === 1 ? new Client(origin, lenient) : new Pool(origin, lenient)
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
    socket.on('close', () => this.destroy())
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
