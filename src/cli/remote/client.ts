/** Requests to a kiss server. */

import type { IncomingMessage, RequestOptions } from 'node:http'
import { displayUrl } from '../../http/urls.js'
import { asKissError, KissError, reasonOf, systemCode } from '../../errors.js'
import { formatSize } from '../../units.js'
import { problemError } from '../../http/problem.js'

export interface RemoteRequest {
  readonly method?: 'GET' | 'HEAD' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** Milliseconds until the head of the answer. */
  readonly patience: number
}

/** Bytes of a document that a server may send. */
const LARGEST_DOCUMENT = 64 * 1024 * 1024

/** The server cannot be reached: there was no connection in time, or it broke before the first byte of an answer. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered'
}

export class RemoteClient {
  /** Displayable. */
  readonly shown: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #secureContext: RequestOptions & { secureContext?: unknown }

  /** @param token X-Kiss-Token, for a server that asks for one @param secureContext certificates to trust */
  constructor(
    server: URL,
    options: { readonly token?: string | undefined; readonly secureContext?: unknown; readonly version: string },
  ) {
    this.shown = displayUrl(server)
    const { token, secureContext, version } = options
    this.#headers = {
      'accept-encoding': 'identity',
      'user-agent': `kiss/${version}`,
      ...(token === undefined ? {} : { 'x-kiss-token': token }),
    }
    this.#secureContext = secureContext === undefined ? {} : { secureContext }
  }

  /**
   * The head of the answer, its body unread.
   * @throws Unanswered if the server cannot be reached; KissError `origin-timeout` if it was reached and sent no answer; or the
   * reason of the signal
   */
  async request(url: URL, { method = 'GET', headers = {}, signal, patience }: RemoteRequest): Promise<IncomingMessage> {
    signal.throwIfAborted()
    const { request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'))
    return new Promise((resolve, reject) => {
      const options = { method, headers: { ...headers, ...this.#headers }, ...this.#secureContext }
      const call = request(url, options, (response) => {
        clearTimeout(timer)
        resolve(response)
      })
      const timer = setTimeout(() => call.destroy(this.#late(call.socket?.connecting === false, patience)), patience)
      const leave = (): void => void call.destroy()
      signal.addEventListener('abort', leave, { once: true })
      call.on('close', () => signal.removeEventListener('abort', leave))
      call.on('error', (error) => {
        clearTimeout(timer)
        reject(signal.aborted ? asKissError(signal.reason) : this.#connectionError(error))
      })
      call.end()
    })
  }

  /** A JSON document. @throws KissError */
  async json(url: URL, options: RemoteRequest): Promise<unknown> {
    const response = await this.request(url, options).catch((error: unknown) => {
      throw error instanceof Unanswered
        ? new KissError('origin-unreachable', `${this.shown} does not answer: ${error.message}`, { cause: error })
        : error
    })
    const status = response.statusCode ?? 0
    const body = await this.text(response, options.patience)
    if (status !== 200) throw problemError(this.shown, status, body)
    try {
      return JSON.parse(body)
    } catch (error) {
      throw new KissError('origin-failed', `${this.shown} does not answer as a kiss server`, { cause: error })
    }
  }

  /** Reads a body that is small if the server is kiss. @throws KissError */
  async text(response: IncomingMessage, patience: number): Promise<string> {
    const timer = setTimeout(
      () => response.destroy(new Error(`it was not complete within ${patience / 1000} s`)),
      patience,
    )
    const chunks: Buffer[] = []
    let bytes = 0
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > LARGEST_DOCUMENT) throw new Error(`it is larger than ${formatSize(LARGEST_DOCUMENT)}`)
        chunks.push(chunk)
      }
      return Buffer.concat(chunks).toString()
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new KissError('origin-failed', `${this.shown} broke off its answer: ${why}`, { cause })
    } finally {
      clearTimeout(timer)
    }
  }

  #late(connected: boolean, patience: number): Error {
    const why = `no answer within ${patience / 1000} s`
    return connected ? new KissError('origin-timeout', `${this.shown}: ${why}`) : new Unanswered(why)
  }

  /** An untrusted certificate is no reason for a fallback: it may be an attack. */
  #connectionError(error: Error): Error {
    if (error instanceof Unanswered || error instanceof KissError) return error
    const code = systemCode(error) ?? ''
    if (/^(?:E[A-Z]+|EAI_[A-Z]+)$/.test(code) && !code.startsWith('ERR')) {
      const why = code === 'ENOTFOUND' ? 'there is no such host' : reasonOf(error)
      return new Unanswered(why, { cause: error })
    }
    return new KissError('origin-unreachable', `cannot talk to ${this.shown}: ${error.message}`, { cause: error })
  }
}
