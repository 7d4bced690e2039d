/** Builds the answer of a reader, and counts the bytes that it receives. */

import { hostOf } from '../http/urls.js'
import { changedError, errorOf } from '../flight/ending.js'
import type { CounterName, Entry, OpenBlob, ServedAs, Sha256 } from '../store/types.js'
import { blobContent, mismatch, FlightContent, type ReaderOptions } from './contents.js'
import type { Store } from '../store/open.js'
import type { Flight } from '../flight/flight.js'
import type { Artifact, Clock, Content } from './types.js'

type Detail = Artifact['detail']

/** An artifact from the store. The blob is open; it is closed with the artifact. */
export function storedArtifact(
  entry: Entry,
  blob: OpenBlob,
  as: ServedAs,
  detail: Detail,
  isPrivate: boolean,
  { store, clock }: { readonly store: Store; readonly clock: Clock },
): Artifact {
  const content = blobContent(blob)
  store.entries.touch(entry.id, clock.now())
  return {
    as,
    url: entry.url,
    headers: entry.headers,
    entry,
    private: isPrivate,
    detail,
    source: entry.source,
    stored: true,
    content,
    progress: () => ({ received: entry.size, length: entry.size }),
    finished: () => Promise.resolve(entry),
    path: () => blob.path,
    ...accounts(as, content, { url: entry.url, private: isPrivate }, store),
  }
}

/** An artifact from a flight; it has joined the flight, and leaves it when closed. */
export function growingArtifact(
  flight: Flight,
  as: ServedAs,
  detail: Detail,
  options: ReaderOptions,
  { store }: { readonly store: Store },
): Artifact {
  flight.join()
  const content = new FlightContent(flight, options)
  const { order } = flight
  return {
    as,
    url: order.shown,
    headers: flight.state.head?.headers ?? {},
    entry: undefined,
    private: flight.private,
    detail: flight.state.head?.signIn === true ? 'sign-in-page' : detail,
    parent: flight.state.head && {
      cacheStatus: flight.state.head.cacheStatus,
      confirmedAt: flight.state.head.confirmedAt,
    },
    source: flight.state.head?.source,
    stored: flight.storedAs !== undefined,
    content,
    progress: () => ({ received: flight.state.body.size, length: content.length, wait: flight.state.waiting.now }),
    finished: () => finished(flight, options.promised),
    path: (entry) => store.blobs.path(entry.sha256),
    ...accounts(as, content, { url: order.shown, private: flight.private }, store),
  }
}

/** undefined: the body was complete, but not stored. */
async function finished(flight: Flight, promised: Sha256 | undefined): Promise<Entry | undefined> {
  const { state, order } = flight
  const ending = await state.ended
  if (promised !== undefined && state.sum !== undefined && state.sum !== promised)
    throw mismatch(order.shown, promised, state.sum)
  const error = errorOf(ending, order.shown)
  if (error) throw error
  if (ending.kind === 'stored') return state.entry
  if (ending.kind === 'whole') return undefined
  throw changedError(order.shown)
}

function accounts(
  as: ServedAs,
  content: Content,
  of: Pick<Artifact, 'url' | 'private'>,
  store: Store,
): Pick<Artifact, 'sent' | 'close'> {
  const served: CounterName = `served_${as}`
  let bytes = 0
  let closed = false
  return {
    sent: (n) => {
      bytes += n
      store.counters.add(served, n)
    },
    close: async (outcome) => {
      if (closed) return
      closed = true
      // Private artifacts are counted together under no name, so that their hosts are not listed.
      store.figures.servedOf(of.private ? '' : hostOf(of.url), bytes)
      if (outcome === 'aborted') store.counters.add('served_aborted', bytes)
      await content.close()
    },
  }
}
