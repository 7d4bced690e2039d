/** The answer to a client that is not stored. */

import { countersOf } from '../../flight/sources.js'
import type { CacheStatus } from '../../http/cache-status.js'
import { keptFields } from '../../http/caching/fields.js'
import { hostOf } from '../../http/urls.js'
import { storedHeaders } from '../../http/stored.js'
import type { Store } from '../../store/open.js'
import type { OriginAnswer } from '../../upstream/types.js'
import type { RequestState } from '../request-state.js'
import type { Artifact, Clock } from '../types.js'
import type { Asked } from './asked.js'
import { PassingContent } from './passing.js'

export interface PassingAnswer {
  readonly state: RequestState
  readonly asked: Asked
  /** The reason why it is not stored. */
  readonly why: string | undefined
  readonly length: number | undefined
}

export function passingAnswer(
  answer: OriginAnswer,
  { state, asked, length }: PassingAnswer,
  { store, clock }: { readonly store: Store; readonly clock: Clock },
): Artifact {
  const { subject, request } = state
  const { status, headers } = answer
  const bodiless = asked.method === 'HEAD' || status === 204 || status === 304
  const content = new PassingContent({
    answer,
    shown: subject.shown,
    length: bodiless && asked.method !== 'HEAD' ? 0 : length,
    promised: status === 200 && asked.method === 'GET' ? request.sha256 : undefined,
    onBytes: (bytes) => {
      for (const counter of countersOf(answer)) store.counters.add(counter, bytes)
    },
  })
  const cache: CacheStatus = { fwd: asked.method === 'HEAD' ? 'request' : 'uri-miss', fwdStatus: status }
  const isPrivate = asked.credentialed || asked.unstorable
  let bytes = 0
  let closed = false
  return {
    as: 'miss',
    url: subject.shown,
    headers: storedHeaders(headers, clock.now()),
    entry: undefined,
    private: isPrivate,
    detail: undefined,
    answer: { status, fields: keptFields(headers), cache, age: undefined },
    stored: false,
    content,
    progress: () => ({ received: bytes, length }),
    finished: () => Promise.resolve(undefined),
    path: (entry) => store.blobs.path(entry.sha256),
    sent: (n) => {
      bytes += n
      store.counters.add('served_miss', n)
    },
    close: async (outcome) => {
      if (closed) return
      closed = true
      store.figures.servedOf(isPrivate ? '' : hostOf(subject.shown), bytes)
      if (outcome === 'aborted') store.counters.add('served_aborted', bytes)
      await content.close()
    },
  }
}
