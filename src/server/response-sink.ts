/** A body written to a response: counted, and rejected when the client leaves. */

import type { ServerResponse } from 'node:http'
import { KissError } from '../errors.js'
import type { BodySink } from './reply.js'
import type { Sendfile } from './sendfile.js'

export class ResponseSink implements BodySink {
  /** Body bytes that the operating system took. */
  bytes = 0
  /** `performance.now()` when it took the first of them, or the head of an answer without body. */
  firstByteAt: number | undefined
  readonly #response: ServerResponse
  readonly #begin: () => void
  /** Hand-overs under way: how to reject them. */
  readonly #pending = new Set<(error: Error) => void>()
  #begun = false
  readonly sendFile?: BodySink['sendFile']

  /**
   * @param begin sets status and headers; called once, before the first byte or by {@link flush}
   * @param sendfile undefined: every byte goes through Node
   */
  constructor(response: ServerResponse, begin: () => void, sendfile?: Sendfile) {
    this.#response = response
    this.#begin = begin
    if (sendfile !== undefined) {
      this.sendFile = (fd, position, count) => this.#sendFile(sendfile, fd, position, count)
    }
    // The callback of a write that waits behind another response is never called when the connection closes.
    response.once('close', () => {
      for (const reject of this.#pending) reject(clientLeft())
    })
  }

  /** Status and headers were sent: a later failure can only close the connection. */
  get begun(): boolean {
    return this.#begun
  }

  /** Sends the headers now. */
  flush(): void {
    this.#start()
    this.#response.flushHeaders()
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#hand(chunk.length, (done) => this.#response.write(chunk, done))
  }

  end(chunk?: Uint8Array, trailers?: Readonly<Record<string, string>>): Promise<void> {
    if (trailers) this.#response.addTrailers(trailers)
    return chunk === undefined
      ? this.#hand(0, (done) => this.#response.end(done))
      : this.#hand(chunk.length, (done) => this.#response.end(chunk, done))
  }

  async #sendFile(sendfile: Sendfile, fd: number, position: number, count: number): Promise<number> {
    const bytes = await sendfile(() => descriptorOf(this.#response), fd, position, count)
    this.bytes += bytes
    if (this.#response.destroyed) throw clientLeft()
    const { socket } = this.#response
    // Node notices writes of its own only, and would end a connection without any as a stalled one.
    if (bytes > 0) socket?.setTimeout(socket.timeout ?? 0)
    return bytes
  }

  #start(): void {
    if (this.#begun) return
    this.#begun = true
    this.#begin()
  }

  #hand(bytes: number, write: (done: (error?: Error | null) => void) => unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#response.destroyed) return reject(clientLeft())
      this.#start()
      this.#pending.add(reject)
      write((error) => {
        this.#pending.delete(reject)
        // A write that the end of the connection cut off calls back without an error.
        if (error || (this.#response.destroyed && !this.#response.writableFinished)) return reject(clientLeft(error))
        this.firstByteAt ??= performance.now()
        this.bytes += bytes
        resolve()
      })
    })
  }
}

/** The handle of a connected socket, which knows its descriptor. Node has no public name for it. */
interface Connected {
  readonly _handle?: { readonly fd?: number } | null
}

function descriptorOf({ socket }: ServerResponse): number | undefined {
  const connected: Connected | null = socket as Connected | null
  const fd = connected?._handle?.fd
  return fd === undefined || fd < 0 ? undefined : fd
}

export function clientLeft(cause?: unknown): KissError {
  return new KissError('interrupted', 'the client left before its answer was complete', { cause })
}
