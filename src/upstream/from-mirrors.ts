/** The mirrors of a URL as a source: the first that has it. After a failure, a timeout or a refusal the next one is asked. */
import type { UpstreamProvider } from '../provider/types.js'
import { drain } from './answer.js'
import { withoutCredentials } from './headers.js'
import type { Health } from './health.js'
import { follow, type Hopped } from './hops.js'
import { mirrorsFor, parseMirrors, type MirrorRule, type MirrorTarget } from './mirrors.js'
import type { Mirror, OriginAnswer, OriginRequest, Source, Turn } from './types.js'
import { begun, type Ways, within } from './ways.js'

/** Milliseconds until the first byte of the body of a mirror. */
const TIMEOUT = 5000

/** The provider of a mirror: it adds no credential and classifies nothing. */
const MIRROR: UpstreamProvider = { name: 'mirror', priority: 0, matches: () => true, cacheKey: (url) => url }

export class FromMirrors implements Source {
  readonly #ways: Ways
  readonly #health: Health
  #rules: readonly MirrorRule[]

  /** Throws KissError `usage` for mirrors that cannot be read. */
  constructor(ways: Ways, mirrors: readonly Mirror[], health: Health) {
    this.#ways = ways
    this.#health = health
    this.#rules = parseMirrors(mirrors)
  }

  update(rules: readonly MirrorRule[]): void {
    this.#rules = rules
  }

  async ask(request: OriginRequest, turn: Turn): Promise<OriginAnswer | undefined> {
    if (this.#rules.length === 0) return undefined
    const targets = mirrorsFor(request, this.#rules)
    const timeout = Math.min(TIMEOUT, request.headersTimeout / (targets.length + 1))
    for (const target of targets) {
      if (!this.#health.admits(target)) continue
      await turn.begin()
      try {
        const received = await within(timeout, request.signal, (signal) => this.#send(request, target, signal))
        if (received.status === 200 || received.status === 206 || received.status === 304) {
          return this.#ways.finish({ ...received, kind: 'mirror', source: target.name }, request, turn)
        }
        drain(received.body)
      } catch {
        request.signal.throwIfAborted()
      }
    }
    return undefined
  }

  async #send(request: OriginRequest, target: MirrorTarget, signal: AbortSignal): Promise<Hopped> {
    const { guarded, trusted, self } = this.#ways
    const { method, clientCredential } = request
    const { url, name } = target
    const headers = request.source === name ? withoutCredentials(request.headers) : {}
    let last = url
    const network = (hop: URL) => {
      last = hop
      return hop.origin === url.origin ? trusted : guarded
    }
    try {
      const received = await follow({ url, method, provider: MIRROR, clientCredential, headers, signal, network, self })
      // A mirror that stops before the first byte is as slow as one that does not answer. The page of a refusal is not read.
      if (received.status === 200 || received.status === 206) await begun(received.body)
      this.#health.answered(target)
      return received
    } catch (error) {
      // A mirror that redirects to a server that is down is not down itself; a timeout counts in any case.
      if (last.origin !== url.origin && !signal.aborted) this.#health.answered(target)
      else if (!request.signal.aborted) this.#health.failed(target, error)
      throw error
    }
  }
}
