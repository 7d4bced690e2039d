/** One request and its answer's headers over undici's plain client: no interceptors, no redirects, no retries. */
import { readFileSync } from 'node:fs'
import type { LookupFunction } from 'node:net'
import path from 'node:path'
import type { SecureContext } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { Agent, EnvHttpProxyAgent, type Dispatcher } from 'undici'
import { KissError, ProxyError, reasonOf, systemCode } from '../errors.js'
import { home } from '../home.js'
import { writtenQuery } from '../http/parse-url.js'
import { displayUrl } from '../http/urls.js'
import { guardedConnector } from './connector.js'
import type { Guard } from './guard.js'
import { lenientFactory, strictFactory } from './lenient-connector.js'
import { receivedLines, sentLines } from './exchange.js'
import { joined, sendable, type Headers } from './headers.js'
import type { Relay } from './types.js'
import { isInNoProxy, proxyIn } from './proxies.js'

/**
 * The parser of undici is WebAssembly: one large function, which V8 would optimise after the first answers. That takes a thread
 * 100 to 250 ms of CPU time in each process, just when the first herd waits. The unoptimised code takes no longer to read
 * 15,000 answers.
 */
for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag)

/** Bytes of headers that an answer may have. */
const MAX_HEADERS = 64 * 1024

export interface NetworkOptions {
  readonly guard: Guard
  readonly lookup?: LookupFunction | undefined
  readonly secureContext?: SecureContext | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly via: string | undefined
  /** Receives one line for each origin that violates HTTP. */
  readonly warn?: (message: string) => void
  /** Receives every request and every answer (exchange.ts). */
  readonly trace?: ((lines: string) => void) | undefined
}

export interface Outgoing {
  readonly method: 'GET' | 'HEAD' | 'POST'
  /** http or https, without userinfo. */
  readonly url: URL
  readonly headers: Headers
  /** What kiss itself says to a server of its own kind. */
  readonly own?: Headers | undefined
  /** Covers the headers and the body. */
  readonly signal: AbortSignal
  /** Of a POST, and its media type. */
  readonly content?: { readonly type: string; readonly body: string | Uint8Array } | undefined
  /** The fields are those of a client, and go on as they are. */
  readonly relay?: Relay | undefined
}

/** Around the proxies, and through them where there are any. */
interface Ways {
  readonly direct: Dispatcher
  readonly proxied: Dispatcher | undefined
}

/** Origins remembered at once that are read leniently. */
const LENIENT = 1_000

export class Network {
  readonly #guard: Guard
  readonly #strict: Ways
  readonly #lenient: Ways
  /** Origins that break HTTP, but can be read. */
  readonly #breaking = new Set<string>()
  readonly #warn: (message: string) => void
  readonly #trace: NetworkOptions['trace']
  readonly #env: NetworkOptions['env']
  readonly #via: string | undefined

  constructor(options: NetworkOptions) {
    this.#guard = options.guard
    const [strict, lenient] = [{ factory: strictFactory }, { factory: lenientFactory }]
    this.#strict = {
      direct: new Agent({ ...settingsOf(options), ...strict }),
      proxied: throughProxies(options, strict),
    }
    this.#lenient = {
      direct: new Agent({ ...settingsOf(options), ...lenient }),
      proxied: throughProxies(options, lenient),
    }
    this.#warn = options.warn ?? (() => undefined)
    this.#trace = options.trace
    this.#env = options.env
    this.#via = options.via === undefined ? undefined : `1.1 ${options.via}`
  }

  /**
   * Throws KissError `upstream-forbidden`, and errors of the network unchanged. If the head of an answer breaks HTTP, the request
   * is repeated once and the answer read as curl reads it; if the body breaks HTTP, the next attempt reads it so.
   */
  async send(outgoing: Outgoing): Promise<Dispatcher.ResponseData> {
    const { url, method, signal } = outgoing
    this.#guard.checkUrl(url)
    if (this.#breaking.has(url.origin)) return this.#sendOn(this.#lenient, outgoing)
    let response: Dispatcher.ResponseData
    try {
      response = await this.#sendOn(this.#strict, outgoing)
    } catch (error) {
      if (method === 'POST' || signal.aborted || !breaksHttp(error)) throw error
      this.#readLeniently(url, error)
      return this.#sendOn(this.#lenient, outgoing)
    }
    response.body.on('error', (error) => {
      if (breaksHttp(error)) this.#readLeniently(url, error)
    })
    return response
  }

  /** Traces a decision about a request. */
  tell(line: string): void {
    this.#trace?.(`* ${line}`)
  }

  #readLeniently({ origin, host }: URL, error: unknown): void {
    if (this.#breaking.has(origin)) return
    if (this.#breaking.size >= LENIENT) this.#breaking.clear()
    this.#breaking.add(origin)
    const why = error instanceof Error ? error.message : String(error)
    this.#warn(`${host} breaks HTTP/1.1 (${why}); its answers are read leniently from now on`)
  }

  async #sendOn(
    ways: Ways,
    { method, url, headers, own, signal, content, relay }: Outgoing,
  ): Promise<Dispatcher.ResponseData> {
    const dispatcher = ways.proxied === undefined || isInNoProxy(url.hostname, this.#env) ? ways.direct : ways.proxied
    const isDirect = dispatcher === ways.direct
    // RFC 9110 §12.5.3: a client chooses the codings of an answer that is stored unchanged.
    const coding = relay && headers['accept-encoding']
    const fields = {
      'user-agent': USER_AGENT,
      accept: '*/*',
      ...(relay === undefined ? sendable(headers) : headers),
      ...own,
      ...(content && { 'content-type': content.type }),
      'accept-encoding': coding ?? 'identity',
      ...this.#viaAfter(own?.['via']),
    }
    this.#trace?.(sentLines({ method, url, headers: fields, proxy: isDirect ? undefined : this.#proxyOf(url) }))
    try {
      const response = await dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${writtenQuery(url)}`,
        method,
        headers: fields,
        ...(relay?.inform && {
          onInfo: (info) => relay.inform?.(info.statusCode, joined(info.headers)),
        }),
        ...(content && { body: content.body }),
        signal,
        // The caller's signal has one timeout for all hops; the reader of the body has its own.
        headersTimeout: 0,
        bodyTimeout: 0,
        // A lenient connection carries one exchange.
        ...(ways === this.#lenient && { reset: true }),
      })
      // The reader of a cut body gets the error; without a reader the error must not end the process.
      response.body.on('error', () => undefined)
      this.#trace?.(receivedLines({ url, status: response.statusCode, headers: joined(response.headers) }))
      return response
    } catch (error) {
      this.#trace?.(`* no answer from ${displayUrl(url)}: ${error instanceof Error ? error.message : String(error)}`)
      throw !isDirect && !signal.aborted ? explained(error, this.#proxyOf(url)) : error
    }
  }

  /** RFC 9110 §7.6.3: each server adds its name behind those that the request has passed. */
  #viaAfter(passed: string | undefined): Headers {
    const names = [passed, this.#via].filter((name) => name !== undefined)
    return names.length === 0 ? {} : { via: names.join(', ') }
  }

  /** Displayable. */
  #proxyOf({ protocol }: URL): string {
    const [all, own] = [proxyIn(this.#env, 'all_proxy'), proxyIn(this.#env, `${protocol.slice(0, -1)}_proxy`)]
    return displayUrl(own === '' ? all : own)
  }

  async close(): Promise<void> {
    const ways = [this.#strict, this.#lenient]
    await Promise.all(
      ways.flatMap(({ direct, proxied }) => [direct, ...(proxied ? [proxied] : [])]).map((way) => way.destroy()),
    )
  }
}

/**
 * Errors of undici's parser for answers that curl accepts: `bad response` for an unexpected 100, and an invalid length for two
 * equal ones.
 */
function breaksHttp(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (
    error.name === 'HTTPParserError' ||
    systemCode(error) === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' ||
    (systemCode(error) === 'UND_ERR_SOCKET' && error.message === 'bad response')
  )
}

/** Errors of a connection that was not made. */
const unconnected: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** Names the proxy that refuses or cannot be reached; returns all other errors unchanged. A permanent refusal is final. */
function explained(error: unknown, name: string): unknown {
  if (unconnected.has(systemCode(error) ?? '')) return ofProxy(`cannot be reached: ${reasonOf(error)}`, name, error)
  const status = proxyStatus(error)
  if (status === undefined) return error
  if (status === 407) {
    return new KissError('configuration', `the proxy ${name} asks for a credential`, {
      cause: error,
      hint: 'set HTTPS_PROXY=http://user:password@host:port, or HTTP_PROXY',
    })
  }
  const said = `answered ${status} to CONNECT`
  return status < 500 && status !== 408 && status !== 429
    ? new KissError('configuration', `the proxy ${name} ${said}`, {
        cause: error,
        hint: 'NO_PROXY names hosts that need no proxy',
      })
    : ofProxy(said, name, error)
}

function ofProxy(said: string, name: string, cause: unknown): ProxyError {
  return new ProxyError(`the proxy ${name} ${said}`, { cause })
}

/** The status of a proxy, which undici gives only in its messages; undefined for other errors. */
function proxyStatus(error: unknown): number | undefined {
  // Headers are checked before, so an invalid argument is a plain request that the proxy answered with 407.
  if (systemCode(error) === 'UND_ERR_INVALID_ARG') return 407
  if (systemCode(error) !== 'UND_ERR_ABORTED') return undefined
  return Number(/\((\d{3})\)/.exec(error instanceof Error ? error.message : '')?.[1] ?? 502)
}

const USER_AGENT = `kiss/${version()}`

function version(): string {
  const manifest = readFileSync(path.join(home, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

function settingsOf({ guard, lookup, secureContext }: NetworkOptions): Agent.Options {
  return { connect: guardedConnector({ guard, lookup, secureContext }), maxHeaderSize: MAX_HEADERS }
}

/** undefined if the environment names no proxy. */
function throughProxies(options: NetworkOptions, more: Agent.Options): Dispatcher | undefined {
  const { env, secureContext } = options
  const all = proxyIn(env, 'all_proxy')
  const [httpProxy, httpsProxy] = [proxyIn(env, 'http_proxy') || all, proxyIn(env, 'https_proxy') || all]
  if (httpProxy === '' && httpsProxy === '') return undefined
  const tls = secureContext && { requestTls: { secureContext }, proxyTls: { secureContext } }
  const noProxy = env['no_proxy'] ?? env['NO_PROXY'] ?? ''
  // Plain http goes through a proxy as a request, not as a tunnel: many refuse CONNECT to other ports than 443.
  return new EnvHttpProxyAgent({
    ...settingsOf(options),
    ...tls,
    httpProxy,
    httpsProxy,
    noProxy,
    proxyTunnel: false,
    ...more,
  })
}
