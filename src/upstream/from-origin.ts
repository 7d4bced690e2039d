/** The origin as a source: the URL itself, through its provider. It is asked last, and always has an answer or an error. */
import { withoutValidators } from './headers.js'
import { follow } from './hops.js'
import type { OriginAnswer, OriginRequest, Source, Turn } from './types.js'
import { type Ways, within } from './ways.js'

export class FromOrigin implements Source {
  readonly #ways: Ways

  constructor(ways: Ways) {
    this.#ways = ways
  }

  async ask(request: OriginRequest, turn: Turn): Promise<OriginAnswer> {
    const { guarded, self, now } = this.#ways
    const { url, method, provider, clientCredential, firstByteTimeout, relay } = request
    const headers = request.source === undefined ? request.headers : withoutValidators(request.headers)
    await turn.begin()
    const began = now()
    const received = await within(request.headersTimeout, request.signal, (signal) =>
      follow({ url, method, provider, clientCredential, headers, signal, relay, network: () => guarded, self }),
    )
    const left =
      firstByteTimeout === undefined ? {} : { firstByteTimeout: Math.max(1, firstByteTimeout - (now() - began)) }
    return this.#ways.finish({ ...received, kind: 'origin' }, { ...request, ...left }, turn)
  }
}
