/** Requests to a kiss server. */

import type { IncomingMessage, RequestOptions } from 'node:http'
import { text } from 'node:stream/consumers'
import { displayUrl } from '../../http/urls.js'
import { asKissError, KissError, systemCode } from '../../errors.js'
import { problemError } from './answers.js'

export interface RemoteRequest {
  readonly method?: 'GET' | 'HEAD' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** Milliseconds until the head of the answer. */
  readonly patience: number
}

/** Nobody answered: the connection was refused or broke, or the first byte did not come in time. */
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

  /** The head of the answer, its body unread. @throws Unanswered, or the signal's reason */
  async request(url: URL, { method = 'GET', headers = {}, signal, patience }: RemoteRequest): Promise<IncomingMessage> {
    signal.throwIfAborted()
    const { request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'))
    return new Promise((resolve, reject) => {
      const options = { method, headers: { ...headers, ...this.#headers }, ...this.#secureContext }
      const call = request(url, options, (response) => {
        clearTimeout(timer)
        resolve(response)
      })
      const late = new Unanswered(`no answer within ${patience / 1000} s`)
      const timer = setTimeout(() => call.destroy(late), patience)
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
    const body = await text(response)
    if (status !== 200) throw problemError(this.shown, status, body)
    try {
      return JSON.parse(body)
    } catch (error) {
      throw new KissError('origin-failed', `${this.shown} does not answer as a kiss server`, { cause: error })
    }
  }

  /** A certificate that is not trusted is no reason to go elsewhere: somebody may stand between. */
  #connectionError(error: Error): Error {
    if (error instanceof Unanswered) return error
    const code = systemCode(error) ?? ''
    if (/^(?:E[A-Z]+|EAI_[A-Z]+)$/.test(code) && !code.startsWith('ERR')) return new Unanswered(code, { cause: error })
    return new KissError('origin-unreachable', `cannot talk to ${this.shown}: ${error.message}`, { cause: error })
  }
}
