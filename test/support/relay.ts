/** A TCP relay on loopback that can be cut, and that keeps the bytes that it carries. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { hasConnection } from './processes.js'

interface Carried {
  readonly client: Socket
  /** Absent: the connection was made while the relay was cut. */
  readonly server?: Socket
  isCut: boolean
}

export class Relay {
  readonly #to: { readonly host: string; readonly port: number }
  readonly #server: Server
  readonly #connections = new Set<Carried>()
  readonly #chunks: Buffer[] = []
  #cuts: (client: Socket) => boolean = () => false

  private constructor(to: { readonly host: string; readonly port: number }) {
    this.#to = to
    this.#server = createServer((client) => this.#carry(client))
  }

  static async start(to: { readonly host: string; readonly port: number }): Promise<Relay> {
    const relay = new Relay(to)
    relay.#server.listen(0, '127.0.0.1')
    await once(relay.#server, 'listening')
    return relay
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The bytes of both directions, in order of arrival. */
  get carried(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /**
   * From now on no byte passes, in both directions. Connections stay open, as behind a switch that drops packets.
   * @param pid cuts the connections of this process only
   */
  cut(pid?: number): void {
    this.#cuts = ({ remotePort = 0 }) =>
      pid === undefined || hasConnection(pid, { local: remotePort, remote: this.port })
    for (const each of this.#connections) {
      if (!this.#cuts(each.client)) continue
      each.isCut = true
      each.client.pause()
      each.server?.pause()
    }
  }

  /** Takes new connections, and ends those that were cut. */
  heal(): void {
    this.#cuts = () => false
    for (const { client, isCut } of this.#connections) if (isCut) client.destroy()
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const { client } of this.#connections) client.destroy()
    await closed
  }

  #carry(client: Socket): void {
    const isCut = this.#cuts(client)
    const server = isCut ? undefined : connect(this.#to.port, this.#to.host)
    const carried: Carried = { client, isCut, ...(server && { server }) }
    this.#connections.add(carried)
    client.on('error', () => undefined)
    client.on('close', () => {
      this.#connections.delete(carried)
      server?.destroy()
    })
    if (!server) return
    server.on('error', () => undefined)
    server.on('close', () => !carried.isCut && client.destroy())
    this.#pipe(client, server, carried)
    this.#pipe(server, client, carried)
  }

  #pipe(from: Socket, to: Socket, carried: Carried): void {
    from.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      if (to.write(chunk)) return
      from.pause()
      to.once('drain', () => !carried.isCut && from.resume())
    })
    from.on('end', () => to.end())
  }
}
