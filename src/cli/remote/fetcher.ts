/** Fetches through a kiss server, or from the origin if the server cannot be reached. */

import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Artifact, Engine, FetchRequest } from '../../engine/types.js'
import { KissError } from '../../errors.js'
import { writtenQuery } from '../../http/parse-url.js'
import { displayUrl, fileNameOf } from '../../http/urls.js'
import { problemError } from '../../http/problem.js'
import { remoteArtifact, type Part } from './artifact.js'
import { isStrong, strongEqual } from '../../http/validation.js'
import { parseContentRange, resumeRange } from '../../http/range.js'
import { Unanswered, type RemoteClient } from './client.js'
import { endpoint } from '../../http/endpoint.js'

/** Seconds until the server answers a queued request with its position: at first, and later. */
const FIRST_QUEUE_WAIT = 2
const QUEUE_WAIT = 20
/** Milliseconds without a byte: the time in the queue plus the time that LAVA waits for a cache. */
const PATIENCE = QUEUE_WAIT * 1000 + 60_000
/** Milliseconds between two requests while queued. */
const ASK_AGAIN = 1_000

export interface RemoteFetcherOptions {
  readonly server: URL
  readonly client: RemoteClient
  /** Opened at most once, when the server cannot be reached; undefined: that is a failure. */
  readonly local: (() => Promise<Engine>) | undefined
  /** Reports the fallback. */
  readonly note: (line: string) => void
  /** Milliseconds until the server's first byte, and between two more; default 80 s. */
  readonly patience?: number
}

/** The interface of `fetchAll`. */
export class RemoteFetcher implements Pick<Engine, 'fetch' | 'close'> {
  readonly #options: RemoteFetcherOptions
  #local: Promise<Engine> | undefined
  /** The server did not answer once: the other requests of this call do not wait for it. */
  #down = false

  constructor(options: RemoteFetcherOptions) {
    this.#options = options
  }

  async fetch(request: FetchRequest): Promise<Artifact> {
    const reason = this.#down ? 'it did not answer before' : await this.#ask(request)
    if (typeof reason !== 'string') return reason
    const { client, local, note } = this.#options
    if (local === undefined) throw new KissError('origin-unreachable', `${client.shown}: ${reason}`)
    note(`kiss: ${client.shown}: ${reason}; fetching ${displayUrl(request.url)} from its origin`)
    this.#local ??= local()
    return (await this.#local).fetch(request)
  }

  async close(): Promise<void> {
    await (await this.#local)?.close()
  }

  /** The artifact, or the reason for a fallback. @throws KissError for a refusal of the server */
  async #ask(request: FetchRequest): Promise<Artifact | string> {
    const { server, patience = PATIENCE } = this.#options
    const { url, sha256, ttl, headers = {}, signal = new AbortController().signal } = request
    const names = Object.keys(headers)
    const address = endpoint(server, `fetch/${encodeURIComponent(fileNameOf(url))}`, {
      url: written(url),
      ttl: ttl === undefined ? undefined : `${ttl}ms`,
      sha256,
      passheaders: names.length === 0 ? undefined : names.join(','),
    })
    for (let queueWait = FIRST_QUEUE_WAIT; ; queueWait = QUEUE_WAIT) {
      const answer = await this.#askOnce(address, request, { queueWait, patience })
      if (!(answer instanceof KissError)) return answer
      // It is in the queue of the server: a fallback would download from the origin twice.
      request.onWait?.(() => ({ attempts: 0, reason: answer.message }))
      await sleep(ASK_AGAIN, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }

  /** As {@link #ask}; a KissError `busy` while the server queues the request. */
  async #askOnce(
    address: URL,
    request: FetchRequest,
    { queueWait, patience }: { readonly queueWait: number; readonly patience: number },
  ): Promise<Artifact | string | KissError> {
    const { client } = this.#options
    const { url, sha256, signal = new AbortController().signal } = request
    const headers = { ...request.headers, prefer: `wait=${queueWait}` }
    let response
    try {
      response = await client.request(address, { headers, signal, patience })
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
      this.#down = true
      return error.message
    }
    const status = response.statusCode ?? 0
    if (status === 200) {
      return remoteArtifact({
        url: displayUrl(url),
        server: client.shown,
        response,
        promised: sha256,
        signal,
        patience,
        rest: (part) => this.#rest(address, request, part),
      })
    }
    const problem = problemError(client.shown, status, await client.text(response, patience))
    if (problem.code === 'busy') return problem
    throw problem
  }

  /** The rest of a body that was cut, by range with the validator (RFC 9110 §13.1.5): a server that restarts is waited for. */
  async #rest(address: URL, request: FetchRequest, part: Part): Promise<IncomingMessage | undefined> {
    const { client, patience = PATIENCE } = this.#options
    const { etag, received, length } = part
    const { signal = new AbortController().signal } = request
    if (!isStrong(etag)) return undefined
    const headers = { ...request.headers, range: resumeRange(received), 'if-range': etag }
    for (const until = performance.now() + patience; performance.now() < until;) {
      const response = await client.request(address, { headers, signal, patience }).catch((error: unknown) => {
        if (error instanceof Unanswered) return undefined
        throw error
      })
      const { statusCode: status = 0, headers: answered } = response ?? { headers: {} }
      const range = parseContentRange(answered['content-range'])
      const isRest = range?.range?.first === received && (length === undefined || range.length === length)
      if (response && status === 206 && isRest && strongEqual(answered.etag, etag)) return response
      response?.destroy()
      // The server is draining or restarting.
      if (response && status !== 502 && status !== 503 && status !== 504) return undefined
      await sleep(ASK_AGAIN, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
    return undefined
  }
}

function written(url: URL): string {
  return url.search === '' ? url.href : url.href.replace(url.search, () => writtenQuery(url))
}
