/** TLS in front of a plain server: ends the encryption and passes on the bytes. */
import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { createServer, type Server } from 'node:tls'
import type { Certificates } from './tls.js'

export class TlsFront {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  /** @param port of the plain server, on 127.0.0.1 */
  static async start(port: number, { key, cert }: Certificates): Promise<TlsFront> {
    const front = new TlsFront(port, key, cert)
    front.#server.listen(0, '127.0.0.1')
    await once(front.#server, 'listening')
    return front
  }

  private constructor(port: number, key: Buffer, cert: Buffer) {
    this.#server = createServer({ key, cert }, (socket) => {
      const plain = connect(port, '127.0.0.1')
      for (const one of [socket, plain]) {
        this.#sockets.add(one)
        // Either side may break; whoever uses it sees that there.
        one.on('error', () => undefined)
      }
      socket.pipe(plain).pipe(socket)
    })
    // A client that trusts nobody here breaks off its handshake.
    this.#server.on('tlsClientError', () => undefined)
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}
