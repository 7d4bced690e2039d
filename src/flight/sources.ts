/**
 * Whom a request asks, in what order, and how the bytes are counted: the one place that knows. The order is: what the engine
 * names first (another URL of this cache), then the sources of the network (upstream/client.ts: mirrors, origin). Another
 * place to get bytes from is another {@link Source} in the list, and a kind here. The other nodes of a cluster (cluster.ts) are
 * asked before all of them.
 */

import type { CounterName } from '../store/types.js'
import type { OriginAnswer, Origins, Source, SourceKind, Upstream } from '../upstream/types.js'

/** Each request asks these sources, then those of the network, and takes one turn among the downloads for all of them. */
export function inOrder(first: readonly Source[], network: Upstream): Origins {
  const sources = [...first, ...network.sources]
  return {
    async request(asked): Promise<OriginAnswer> {
      const turn = network.turn(asked)
      const request = { ...asked, signal: turn.signal }
      try {
        for (const source of sources) {
          const answer = await source.ask(request, turn)
          if (answer) return answer
        }
        throw new Error('no source has an answer')
      } catch (error) {
        turn.leave()
        throw error
      }
    },
    update: (lists) => network.update(lists),
    close: () => network.close(),
  }
}

const counters: Readonly<Record<SourceKind, readonly CounterName[]>> = {
  cache: [],
  peer: ['filled'],
  parent: ['downloaded', 'downloaded_parent'],
  mirror: ['downloaded', 'downloaded_mirror'],
  origin: ['downloaded'],
}

/** What the bytes of an answer count as. */
export function countersOf({ kind }: Pick<OriginAnswer, 'kind'>): readonly CounterName[] {
  return counters[kind]
}
