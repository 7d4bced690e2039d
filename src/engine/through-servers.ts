/**
 * Fetches through kiss servers and keeps nothing: what `kiss fetch --server` uses in place of an engine. The servers are asked
 * as parents are, and a download goes on by the rules of any other (flight/attempts.ts): only its bytes land elsewhere.
 */

import { randomUUID } from 'node:crypto'
import { asKissError, KissError, reasonOf, systemCode } from '../errors.js'
import { Attempts } from '../flight/attempts.js'
import { changedError } from '../flight/ending.js'
import { type Order, keyIdOf } from '../flight/subject.js'
import { Parallel } from '../flight/parallel.js'
import { inOrder } from '../flight/sources.js'
import { Stream } from '../flight/stream.js'
import { Waiting } from '../flight/waiting.js'
import { servedAs } from '../http/cache-status.js'
import { displayUrl } from '../http/urls.js'
import type { UpstreamProvider } from '../provider/types.js'
import { Declined } from '../upstream/declined.js'
import type { Origins, UpstreamOptions } from '../upstream/types.js'
import type { Clock } from '../clock.js'
import type { Artifact, Engine, EngineOptions, FetchRequest } from './types.js'

/** The servers know the providers and have the credentials. */
const SERVER: UpstreamProvider = { name: 'server', priority: 0, matches: () => true, cacheKey: (url) => url }

export interface ThroughServersOptions extends Pick<EngineOptions, 'parallel'> {
  /** Asked in this order. */
  readonly servers: readonly URL[]
  /** Of the servers' `--client-token-file`. */
  readonly token?: string | undefined
  readonly upstream: Omit<UpstreamOptions, 'parents' | 'mirrors' | 'trace'>
  /** Milliseconds since the body last grew, until a download gives up; before that, the time of the first byte. */
  readonly retryFor: number
  readonly clock: Clock
  /** Opened at most once, where no server can be reached; undefined: that is a failure. */
  readonly local: (() => Promise<Engine>) | undefined
  readonly trace?: ((lines: string) => void) | undefined
  /** Receives a line about the use of the local cache, and about another web server in the place of a server. */
  readonly note: (line: string) => void
}

export class ThroughServers implements Pick<Engine, 'fetch' | 'close'> {
  readonly #o: ThroughServersOptions
  /** Displayable. */
  readonly #names: string
  readonly #parallel: Parallel
  readonly #resourceKey = randomUUID()
  #origins: Promise<Origins> | undefined
  #local: Promise<Engine> | undefined
  /** Once none could be reached, the rest of this call does not wait for them again. */
  #down: Unreached | undefined

  constructor(options: ThroughServersOptions) {
    this.#o = options
    this.#names = options.servers.map(displayUrl).join(', ')
    this.#parallel = new Parallel(options.parallel ?? {}, () => options.clock.monotonic())
  }

  /** As the engine's. An answer of a server never leads to the origin. */
  async fetch(request: FetchRequest): Promise<Artifact> {
    const isKnown = this.#down !== undefined
    const asked = this.#down ?? (await this.#ask(request))
    if (!(asked instanceof Unreached)) return asked
    this.#down = asked
    const { local, note, servers } = this.#o
    const { reason, cause } = asked
    if (local === undefined) {
      const verb = servers.length === 1 ? 'does' : 'do'
      throw new KissError('origin-unreachable', `${this.#names} ${verb} not answer: ${reason}`, { cause })
    }
    const why = isKnown ? 'it did not answer before' : reason
    note(`kiss: ${this.#names}: ${why}; fetching ${displayUrl(request.url)} from its origin`)
    this.#local ??= local()
    return (await this.#local).fetch(request)
  }

  async close(): Promise<void> {
    // Requests have reported why something could not be opened.
    const close = (opened: { close(): Promise<void> }): Promise<void> => opened.close()
    await Promise.all([this.#origins?.then(close, () => undefined), this.#local?.then(close, () => undefined)])
  }

  async #ask(request: FetchRequest): Promise<Artifact | Unreached> {
    const left = new AbortController()
    const signal = AbortSignal.any([left.signal, ...(request.signal === undefined ? [] : [request.signal])])
    const order = orderOf(request)
    const stream = new Stream({ shown: order.shown, promised: request.sha256, signal })
    const waiting = new Waiting()
    request.onWait?.(() => waiting.now)
    const done = this.#download(order, { stream, waiting, signal })
    await stream.decided
    const { head } = stream
    if (head === undefined) return this.#unanswered(stream.failure)
    return {
      as: servedAs(head.cacheStatus),
      url: order.shown,
      headers: head.headers,
      entry: undefined,
      private: false,
      detail: head.signIn === true ? 'sign-in-page' : undefined,
      // It is in the server's store, not in one of ours.
      stored: false,
      content: {
        length: head.length,
        get complete() {
          return stream.complete
        },
        get sha256() {
          return stream.complete ? stream.digest() : undefined
        },
        read: (buffer, position) => stream.read(buffer, position),
        close: async () => undefined,
      },
      progress: () => ({ received: stream.size, length: head.length, wait: waiting.now }),
      finished: async () => undefined,
      path: () => '',
      sent: () => undefined,
      close: async () => {
        left.abort(new KissError('interrupted', 'the reader has left'))
        await done
      },
    }
  }

  /** Never rejects. */
  async #download(
    order: Order,
    { stream, waiting, signal }: { readonly stream: Stream; readonly waiting: Waiting; readonly signal: AbortSignal },
  ): Promise<void> {
    const { clock, retryFor, trace } = this.#o
    const attempts = new Attempts({
      order,
      collaborators: {
        origins: () => (this.#origins ??= this.#open()),
        store: { counters: { add: () => undefined } },
        parallel: this.#parallel,
        clock,
        random: Math.random,
        settings: { retryFor },
        resourceKey: this.#resourceKey,
        trace,
      },
      landing: stream,
      state: { waiting, readers: 1, connections: 0 },
      left: undefined,
      seed: undefined,
      signal,
    })
    try {
      const { kind } = await attempts.run()
      if (kind === 'whole') return stream.finish()
      await attempts.seed?.answer.discard()
      stream.fail(changedError(order.shown))
    } catch (error) {
      stream.fail(error)
    }
  }

  async #open(): Promise<Origins> {
    const { servers, token, upstream, trace, note } = this.#o
    const { openUpstream } = await import('../upstream/client.js')
    const parents = { of: [{ to: servers.map(({ href }) => href) }], asCache: true, token }
    // The failure of a single server is that of the request.
    const warn = (message: string): void => note(`kiss: ${message}`)
    // The servers limit the downloads.
    return inOrder([], await openUpstream({ ...upstream, parents, trace, ...(servers.length > 1 && { warn }) }))
  }

  /** No server gave a head: the refusal of a server in its own words, or the lack of a server. */
  #unanswered(failure: unknown): Unreached {
    const cause = failure instanceof KissError ? failure.cause : undefined
    if (cause instanceof Declined) throw cause.problem
    if (cause === undefined || !(failure instanceof KissError)) throw failure
    const code = systemCode(cause) ?? ''
    const { code: kind } = failure
    const isOfNetwork = kind === 'origin-unreachable' || kind === 'origin-timeout'
    if (isOfNetwork && isUnreached(code)) return new Unreached(reasonOf(cause), cause)
    const { hint } = failure
    throw new KissError(failure.code, `${this.#names}: ${asKissError(cause).message}`, {
      cause,
      ...(hint !== undefined && { hint }),
    })
  }
}

/** No server can be reached: there was no connection in time, or it broke before the first byte of an answer. */
class Unreached {
  constructor(
    readonly reason: string,
    readonly cause?: unknown,
  ) {}
}

/** An untrusted certificate ends the fetch: another party may have intercepted the connection. */
function isUnreached(code: string): boolean {
  return codes.has(code) || (/^(?:E[A-Z]+|EAI_[A-Z]+)$/.test(code) && !code.startsWith('ERR'))
}

/** undici's names for a connection that timed out or was closed. */
const codes: ReadonlySet<string> = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_SOCKET'])

function orderOf({ url, headers = {}, ttl, sha256 }: FetchRequest): Order {
  return {
    id: keyIdOf(url),
    canonical: url,
    url,
    shown: displayUrl(url),
    provider: SERVER,
    share: 'all',
    headers,
    credential: undefined,
    ownRight: false,
    access: 'client',
    lent: false,
    lifetime: 0,
    ttl,
    stale: undefined,
    promised: sha256,
    alone: true,
    keep: false,
    once: 'first',
  }
}
