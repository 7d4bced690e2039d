/** One request and its answer's headers over undici's plain client: no interceptors, no redirects, no retries. */
import { readFileSync } from 'node:fs'
import type { LookupFunction } from 'node:net'
import path from 'node:path'
import type { SecureContext } from 'node:tls'
import { Agent, EnvHttpProxyAgent, type Dispatcher } from 'undici'
import { KissError, systemCode } from '../errors.js'
import { home } from '../home.js'
import { displayUrl } from '../http/urls.js'
import { guardedConnector } from './connector.js'
import type { Guard } from './guard.js'
import { sendable, type Headers } from './headers.js'

/** Bytes of headers that an answer may have. */
const MAX_HEADERS = 64 * 1024

export interface NetworkOptions {
  readonly guard: Guard
  readonly lookup?: LookupFunction | undefined
  readonly secureContext?: SecureContext | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly via: string | undefined
}

export interface Outgoing {
  readonly method: 'GET' | 'HEAD' | 'POST'
  /** http or https, without userinfo. */
  readonly url: URL
  readonly headers: Headers
  /** Covers the headers and the body. */
  readonly signal: AbortSignal
  /** Of a POST, and its media type. */
  readonly content?: { readonly type: string; readonly body: string | Uint8Array } | undefined
}

export class Network {
  readonly #guard: Guard
  readonly #dispatcher: Dispatcher
  readonly #proxied: boolean
  readonly #env: NetworkOptions['env']
  readonly #fixed: Headers

  constructor(options: NetworkOptions) {
    this.#guard = options.guard
    this.#env = options.env
    this.#dispatcher = open(options)
    this.#proxied = this.#dispatcher instanceof EnvHttpProxyAgent
    this.#fixed = {
      'accept-encoding': 'identity',
      ...(options.via === undefined ? {} : { via: `1.1 ${options.via}` }), // RFC 9110 §7.6.3
    }
  }

  /** Throws KissError `upstream-forbidden`, and the network's own error as it is. */
  async send({ method, url, headers, signal, content }: Outgoing): Promise<Dispatcher.ResponseData> {
    this.#guard.checkUrl(url)
    try {
      const response = await this.#dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: {
          'user-agent': USER_AGENT,
          accept: '*/*',
          ...sendable(headers),
          ...(content && { 'content-type': content.type }),
          ...this.#fixed,
        },
        ...(content && { body: content.body }),
        signal,
        // The caller's signal has one timeout for all hops; whoever reads the body times that.
        headersTimeout: 0,
        bodyTimeout: 0,
      })
      // A body that is cut is an error to its reader; one that nobody reads must not end the process.
      response.body.on('error', () => undefined)
      return response
    } catch (error) {
      throw this.#proxied && !signal.aborted ? explained(error, this.#proxyOf(url)) : error
    }
  }

  /** Displayable. */
  #proxyOf({ protocol }: URL): string {
    const [http, https] = [proxy(this.#env, 'http_proxy'), proxy(this.#env, 'https_proxy')]
    return displayUrl(protocol === 'https:' && https !== '' ? https : http)
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy()
  }
}

/** What undici says of a proxy that refuses, in words; all other errors as they are. A refusal that cannot pass is final. */
function explained(error: unknown, name: string): unknown {
  const status = proxyStatus(error)
  if (status === undefined) return error
  if (status === 407) {
    return new KissError('configuration', `the proxy ${name} asks for a credential`, {
      cause: error,
      hint: 'set HTTPS_PROXY=http://user:password@host:port, or HTTP_PROXY',
    })
  }
  const message = `the proxy ${name} answered ${status} to CONNECT`
  return status < 500 && status !== 408 && status !== 429
    ? new KissError('configuration', message, { cause: error, hint: 'NO_PROXY names hosts that need no proxy' })
    : Object.assign(new Error(message, { cause: error }), { code: 'ERR_PROXY_TUNNEL' })
}

/** undici tells the status of a proxy in its messages only; undefined for errors that are not a proxy's refusal. */
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

function open({ guard, lookup, secureContext, env }: NetworkOptions): Dispatcher {
  const settings = { connect: guardedConnector({ guard, lookup, secureContext }), maxHeaderSize: MAX_HEADERS }
  const [httpProxy, httpsProxy] = [proxy(env, 'http_proxy'), proxy(env, 'https_proxy')]
  if (httpProxy === '' && httpsProxy === '') return new Agent(settings)
  const tls = secureContext && { requestTls: { secureContext }, proxyTls: { secureContext } }
  const noProxy = env['no_proxy'] ?? env['NO_PROXY'] ?? ''
  // Plain http goes through a proxy as a request, not as a tunnel: many refuse CONNECT to other ports than 443.
  return new EnvHttpProxyAgent({ ...settings, ...tls, httpProxy, httpsProxy, noProxy, proxyTunnel: false })
}

/** The proxy's URL, '' for none. Throws KissError `configuration`, without the value, which may hold a password. */
function proxy(env: NetworkOptions['env'], name: string): string {
  const value = env[name] ?? env[name.toUpperCase()] ?? ''
  const url = value === '' || value.includes('://') ? value : `http://${value}`
  if (url === '' || (URL.canParse(url) && /^https?:/i.test(url))) return url
  throw new KissError('configuration', `${name.toUpperCase()} is not the URL of an http or https proxy`)
}
