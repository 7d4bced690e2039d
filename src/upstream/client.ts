/** The client of all origins: limits, mirrors, timeouts around the hops. Loads undici: import it when it is needed. */
import type { LookupFunction } from 'node:net'
import { errors } from 'undici'
import type { UpstreamProvider } from '../provider/types.js'
import { Answer, drain, type Received } from './answer.js'
import { Gate } from './gate.js'
import { Guard } from './guard.js'
import { withoutCredentials, withoutValidators, type Headers } from './headers.js'
import { follow, type Journey } from './hops.js'
import { MirrorHealth } from './mirror-health.js'
import { mirrorsFor, parseMirrors, type MirrorRule, type Place } from './mirrors.js'
import { Network } from './network.js'
import { monotonic, Rate, type RateClock } from './rate.js'
import { trusting } from './trust.js'
import { Turn } from './turn.js'
import type { OriginAnswer, OriginRequest, Origins, OwnServer, UpstreamLists, UpstreamOptions } from './types.js'

const STALL_TIMEOUT = 60_000
/** Bytes a second: a download that nobody reads and that is slower yields its place to one that waits. */
const FLOOR = 16 * 1024
/** Milliseconds that a mirror has to answer. */
const MIRROR_TIMEOUT = 5000

/** What tests hand in. */
export interface Seams {
  /** Instead of the system's resolver. */
  readonly lookup?: LookupFunction
  /** Monotonic: of the cap on bandwidth, and of mirrors that rest. */
  readonly clock?: RateClock
}

/** Throws KissError: `usage` for lists and mirrors that cannot be read, `configuration` for a CA file or a proxy. */
export async function createOrigins(
  options: UpstreamOptions,
  { lookup, clock = monotonic }: Seams = {},
): Promise<Origins> {
  const { caFile, env = {}, via, maxDownloads, maxDownloadsPerHost, maxRate } = options
  // Node itself takes NODE_EXTRA_CA_CERTS from the environment that the process was started with.
  const extraFile = process.env['NODE_EXTRA_CA_CERTS']
  const secureContext = caFile === undefined ? undefined : await trusting(caFile, extraFile)
  const guards = [new Guard(options), new Guard({ ...options, guard: false })] as const
  const { warn = () => undefined } = options
  const network = (guard: Guard) => new Network({ guard, lookup, secureContext, env, via, warn })
  return new Client({
    guards,
    guarded: network(guards[0]),
    trusted: network(guards[1]),
    self: options.self,
    mirrors: parseMirrors(options.mirrors ?? []),
    health: new MirrorHealth({ now: () => clock.now(), warn }),
    gate: new Gate({ total: maxDownloads, perHost: maxDownloadsPerHost }),
    rate: maxRate === undefined ? undefined : new Rate(maxRate, clock),
    stallTimeout: options.stallTimeout ?? STALL_TIMEOUT,
    // What the cap on bandwidth slows down is not slow.
    floor: Math.min(FLOOR, (maxRate ?? Infinity) / (4 * (maxDownloads ?? 64))),
    now: () => clock.now(),
  })
}

interface Parts {
  /** Of both networks. */
  readonly guards: readonly Guard[]
  readonly guarded: Network
  /** For the mirrors, which the operator chose: only the deny list holds. */
  readonly trusted: Network
  readonly self: OwnServer | undefined
  mirrors: readonly MirrorRule[]
  readonly health: MirrorHealth
  readonly gate: Gate
  readonly rate: Rate | undefined
  readonly stallTimeout: number
  /** Bytes a second. */
  readonly floor: number
  /** Monotonic milliseconds. */
  readonly now: () => number
}

class Client implements Origins {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  update({ mirrors = [], ...lists }: UpstreamLists): void {
    const rules = parseMirrors(mirrors)
    for (const guard of this.#parts.guards) guard.update(lists)
    this.#parts.mirrors = rules
  }

  async request(asked: OriginRequest): Promise<OriginAnswer> {
    const { gate, rate, floor, now } = this.#parts
    const { url, method, client, readers = () => 1, onQueue } = asked
    const host = `${url.protocol}//${url.host}`
    const turn = new Turn({ gate, host, client, readers, onQueue, floor, now, signal: asked.signal })
    const { signal } = turn
    const request = { ...asked, signal }
    try {
      if (isDownload(request)) await turn.enter()
      request.onStart?.()
      const received = (await this.#fromMirror(request)) ?? (await this.#fromOrigin(request))
      if (method === 'HEAD' || received.status === 304) turn.leave()
      const { stallTimeout } = this.#parts
      const { firstByteTimeout = stallTimeout } = request
      return new Answer(received, { turn, rate, signal, firstByteTimeout, stallTimeout })
    } catch (error) {
      turn.leave()
      throw error
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#parts.guarded.close(), this.#parts.trusted.close()])
  }

  /** The first mirror that has it. Being down, slow and saying no all lead to the next; the first two are remembered. */
  async #fromMirror(request: OriginRequest): Promise<Received | undefined> {
    const { mirrors, health } = this.#parts
    const places = mirrorsFor(request, mirrors)
    const timeout = Math.min(MIRROR_TIMEOUT, request.headersTimeout / (places.length + 1))
    for (const place of places) {
      if (!health.admits(place)) continue
      try {
        const received = await within(timeout, request.signal, (signal) => this.#askMirror(request, place, signal))
        if (received.status === 200 || received.status === 206 || received.status === 304) {
          return { ...received, mirror: place.mirror }
        }
        drain(received.body)
      } catch {
        request.signal.throwIfAborted()
      }
    }
    return undefined
  }

  async #askMirror(request: OriginRequest, place: Place, signal: AbortSignal): Promise<Received> {
    const { guarded, trusted, health } = this.#parts
    const { url, mirror } = place
    const headers = request.mirror === mirror ? withoutCredentials(request.headers) : {}
    let last = url
    const network = (hop: URL) => {
      last = hop
      return hop.origin === url.origin ? trusted : guarded
    }
    try {
      const received = await follow({ ...this.#journey(request, headers, signal), url, provider: MIRROR, network })
      health.answered(place)
      return received
    } catch (error) {
      // Where it sent us to somebody who is down, it is not down itself; but too slow is too slow.
      if (last.origin !== url.origin && !signal.aborted) health.answered(place)
      else if (!request.signal.aborted) health.failed(place, error)
      throw error
    }
  }

  async #fromOrigin(request: OriginRequest): Promise<Received> {
    const headers = request.mirror === undefined ? request.headers : withoutValidators(request.headers)
    return within(request.headersTimeout, request.signal, (signal) => follow(this.#journey(request, headers, signal)))
  }

  #journey(request: OriginRequest, headers: Headers, signal: AbortSignal): Journey {
    const { url, method, provider, clientCredential } = request
    return {
      url,
      method,
      provider,
      clientCredential,
      headers,
      signal,
      network: () => this.#parts.guarded,
      self: this.#parts.self,
    }
  }
}

/** What a mirror is to the hops: nothing is added and nothing is known. */
const MIRROR: UpstreamProvider = { name: 'mirror', priority: 0, matches: () => true, cacheKey: (url) => url }

/** HEAD and conditional requests are small: they need no place among the downloads. */
function isDownload({ method, headers }: OriginRequest): boolean {
  return method === 'GET' && headers['if-none-match'] === undefined && headers['if-modified-since'] === undefined
}

/** Asks under a signal that is aborted with `signal`, or when there are no headers in time. */
async function within<T>(ms: number, signal: AbortSignal, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new errors.HeadersTimeoutError(`no answer within ${ms / 1000} s`)), ms)
  try {
    return await ask(AbortSignal.any([signal, late.signal]))
  } finally {
    clearTimeout(timer)
  }
}
