/** A small HTTP proxy for tests: tunnels with CONNECT, forwards absolute URLs, and remembers what it was asked. */
import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'

export interface ProxyAsked {
  readonly method: string
  readonly target: string
  readonly authorization: string | undefined
}

export class Proxy {
  readonly asked: ProxyAsked[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  /** `answers` refuses CONNECT and requests with this status instead. */
  static async start(answers?: number): Promise<Proxy> {
    const proxy = new Proxy(answers)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  private constructor(answers: number | undefined) {
    this.#server = createServer((incoming, response) => {
      this.#note(incoming)
      if (answers !== undefined) {
        response.writeHead(answers).end()
        return
      }
      const { method } = incoming
      const headers = { ...incoming.headers }
      delete headers['proxy-authorization']
      const onward = request(incoming.url ?? '', { ...(method && { method }), headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      })
      incoming.pipe(onward)
    })
    this.#server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
      this.#note(incoming)
      this.#keep(socket)
      if (answers !== undefined) return void socket.end(`HTTP/1.1 ${answers} No\r\n\r\n`)
      const [host = '', port] = (incoming.url ?? '').split(/:(?=\d+$)/)
      const target = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connected\r\n\r\n')
        socket.pipe(target).pipe(socket)
      })
      this.#keep(target)
    })
  }

  url(userinfo = ''): string {
    return `http://${userinfo}127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #note(incoming: IncomingMessage): void {
    const { method = '', url = '', headers } = incoming
    this.asked.push({ method, target: url, authorization: headers['proxy-authorization'] })
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    // Either side may break its tunnel; whoever uses it sees that there.
    socket.on('error', () => undefined)
  }
}
