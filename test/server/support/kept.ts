/** A client whose connection stays open, and which sends exactly the bytes that a test gives it. */

import { EventEmitter, once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** The answers come in the order of the requests. */
export class Kept {
  #bytes = Buffer.alloc(0)
  #isClosed = false
  readonly #changed = new EventEmitter()

  constructor(readonly socket: Socket) {
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#isClosed = true
      this.#changed.emit('change')
    })
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#changed.emit('change')
    })
  }

  static async open(port: number): Promise<Kept> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new Kept(socket)
  }

  async ask(text: string): Promise<{ head: string; body: string }> {
    this.socket.write(text)
    return this.answer(text.slice(0, 4))
  }

  /** `method` tells an answer without a body. */
  async answer(method = 'GET'): Promise<{ head: string; body: string }> {
    const end = await this.#until(() => this.#bytes.indexOf('\r\n\r\n'))
    const head = this.#bytes.toString('latin1', 0, end + 2)
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
    const total = end + 4 + (method === 'HEAD' ? 0 : length)
    await this.#until(() => (this.#bytes.length < total ? -1 : total))
    const body = this.#bytes.toString('latin1', end + 4, total)
    this.#bytes = this.#bytes.subarray(total)
    return { head, body }
  }

  async #until(found: () => number): Promise<number> {
    while (found() === -1) {
      if (this.#isClosed) throw new Error(`closed behind ${JSON.stringify(this.#bytes.toString('latin1'))}`)
      await once(this.#changed, 'change')
    }
    return found()
  }
}
