/**
 * The sources of a download, their order, and the counter of their bytes. The order is: the sources that the engine names first
 * (another URL of this cache), then those of the network (upstream/client.ts: parents, mirrors, origin). A new kind of source is
 * one more {@link Source} in the list and one more kind here. The other nodes of a cluster (cluster.ts) are asked before them.
 */

import type { CounterName } from '../store/types.js'
import type { OriginAnswer, Origins, Source, SourceKind, Upstream } from '../upstream/types.js'

/** Asks these sources, then those of the network, under one turn among the downloads. */
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

/** The counter for the bytes of an answer. */
export function countersOf({ kind }: Pick<OriginAnswer, 'kind'>): readonly CounterName[] {
  return counters[kind]
}
