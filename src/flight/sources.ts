/**
 * Whom an attempt asks, in what order, and how what they send is counted: the one place that knows. Today there is one source,
 * the network, which tries the mirrors of a URL before its origin under one place in the queue. Another place to get bytes
 * from is another Source.
 */

import type { CounterName } from '../store/types.js'
import type { OriginAnswer, OriginRequest, Origins } from '../upstream/types.js'

export interface Source {
  /** undefined: it does not have the artifact, and the next source is asked. Throws where no other needs to be asked. */
  ask(request: OriginRequest): Promise<OriginAnswer | undefined>
}

/** The mirrors, then the origin; the network is loaded when it is first needed. */
export function network(origins: () => Promise<Origins>): Source {
  return { ask: async (request) => (await origins()).request(request) }
}

/** The answer of the first source that has one. */
export async function askSources(sources: readonly Source[], request: OriginRequest): Promise<OriginAnswer> {
  for (const source of sources) {
    const answer = await source.ask(request)
    if (answer) return answer
  }
  throw new Error('no source was asked')
}

/** What the bytes of an answer count as; undefined: as nothing, since they were counted when they came to this cache. */
export function countedAs({ local }: OriginAnswer): CounterName | undefined {
  return local === true ? undefined : 'downloaded'
}
