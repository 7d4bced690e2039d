/** Lets several connections bring the body of an answer, if the origin and the size allow it. */

import { isStrong } from '../http/validation.js'
import type { OriginAnswer } from '../upstream/types.js'
import { circumstancesOf, requestFor } from './attempt.js'
import type { Collaborators, Counting } from './collaborators.js'
import type { Head } from './directory.js'
import type { Order } from './subject.js'
import { judge } from './resume.js'
import { Unfit, type Opened } from './segment.js'
import { Segments } from './segments.js'
import { countersOf } from './sources.js'
import type { FlightState } from './state.js'

/** RFC 9110 §14.3. */
const TAKES_BYTES = /(^|,)\s*bytes\s*(,|$)/i
/** Milliseconds until the headers of a segment: the origin has answered for this content before. */
const TIMEOUT = 30_000

export interface InParallel {
  readonly order: Order
  readonly collaborators: Pick<Collaborators, 'origins' | 'clock' | 'parallel' | 'resourceKey'> & {
    readonly store: Counting
  }
  readonly state: Pick<FlightState, 'readers' | 'connections'>
  readonly head: Head
  /** Offset of the first byte of the answer. */
  readonly position: number
  readonly signal: AbortSignal
}

/** Returns the same answer if one connection is fast enough, or if the origin allows one only. */
export function inParallel(answer: OriginAnswer, options: InParallel): OriginAnswer {
  const { order, collaborators, state, head, position } = options
  const { parallel, clock, store } = collaborators
  const { length, headers, ranges } = head
  // A part (`freshness: origin`), whose positions are not those of the whole, is requested by its first connection alone.
  if (order.once === 'always') return answer
  const takesRanges = answer.status === 206 || (ranges && TAKES_BYTES.test(answer.headers['accept-ranges'] ?? ''))
  if (answer.kind === 'cache' || answer.kind === 'peer' || !takesRanges || !isStrong(headers.etag)) return answer
  if (length === undefined || length - position < parallel.terms.least || !parallel.admits(order.url)) return answer
  if (parallel.termsFor(length).connections < 2) return answer
  const segments = new Segments({
    first: answer,
    url: order.url,
    position,
    length,
    parallel,
    now: () => clock.monotonic(),
    open: ({ at, end, memory }, spare, signal) =>
      openSegment({ start: at, end, exact: memory > 0, spare, signal }, options),
    waste: (bytes) => {
      for (const counter of countersOf(answer)) store.counters.add(counter, bytes)
    },
    running: (connections) => (state.connections = connections),
  })
  return {
    ...answer,
    body: { [Symbol.asyncIterator]: () => segments.read() },
    discard: () => answer.discard(),
    excerpt: () => answer.excerpt(),
  }
}

interface Range {
  readonly start: number
  /** The byte after the last. */
  readonly end: number
  /** The end of the segment stays fixed. */
  readonly exact: boolean
  readonly spare: boolean
  readonly signal: AbortSignal
}

/** Makes the checks of a resume: start, total, entity tag, final URL. */
async function openSegment(range: Range, { order, collaborators, state, head, signal }: InParallel): Promise<Opened> {
  const { start, end, exact, spare } = range
  const { etag = '' } = head.headers
  const origins = await collaborators.origins()
  const answer = await origins.request({
    // The age of the content was checked at the first answer.
    ...requestFor(
      { ...order, ttl: undefined, insists: undefined },
      {
        headers: { range: `bytes=${start}-${end - 1}`, 'if-range': etag },
        source: head.source,
      },
    ),
    signal: AbortSignal.any([signal, range.signal]),
    headersTimeout: TIMEOUT,
    readers: () => state.readers,
    spare,
  })
  const held = { size: start, head, stale: undefined }
  const verdict = judge('rest', answer, held, circumstancesOf(answer, order, collaborators))
  if (verdict.kind === 'append' && verdict.end === end)
    return { body: answer.body, exact, discard: () => answer.discard() }
  await answer.discard()
  throw new Unfit(answer.status)
}
