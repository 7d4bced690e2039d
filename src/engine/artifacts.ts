/** Builds the answer that a reader gets, and counts what it is given. */

import type { KissError } from '../errors.js'
import { hostOf } from '../http/host.js'
import { changedError } from '../flight/ending.js'
import type { CounterName, Entry, OpenBlob, ServedAs, Sha256 } from '../store/types.js'
import { blobContent, mismatch, TransferContent, type ReaderOptions } from './contents.js'
import type { Store } from '../store/open.js'
import type { Transfer } from '../flight/flight.js'
import type { Artifact, Clock, Content } from './types.js'

type Detail = Artifact['detail']

/** From the store. The blob is open, and closed with the artifact. */
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
    stored: true,
    content,
    progress: () => ({ received: entry.size, length: entry.size }),
    finished: () => Promise.resolve(entry),
    path: () => blob.path,
    ...accounts(as, content, { url: entry.url, private: isPrivate }, store),
  }
}

/** From a transfer in flight; joins it, and leaves it when closed. */
export function growingArtifact(
  transfer: Transfer,
  as: ServedAs,
  detail: Detail,
  options: ReaderOptions,
  { store }: { readonly store: Store },
): Artifact {
  transfer.join()
  const content = new TransferContent(transfer, options)
  const { order } = transfer
  return {
    as,
    url: order.shown,
    headers: transfer.head?.headers ?? {},
    entry: undefined,
    private: transfer.private,
    detail: transfer.head?.signIn === true ? 'sign-in-page' : detail,
    stored: transfer.storedAs !== undefined,
    content,
    progress: () => ({ received: transfer.body.size, length: content.length, wait: transfer.waiting.now }),
    finished: () => finished(transfer, options.promised),
    path: (entry) => store.blobs.path(entry.sha256),
    ...accounts(as, content, { url: order.shown, private: transfer.private }, store),
  }
}

/** undefined: the bytes were whole, but were not kept. */
async function finished(transfer: Transfer, promised: Sha256 | undefined): Promise<Entry | undefined> {
  const settled = await transfer.settled
  if (promised !== undefined && transfer.sum !== undefined && transfer.sum !== promised)
    throw mismatch(transfer.order.shown, promised, transfer.sum)
  if (settled.kind === 'stored') return settled.entry
  if ('error' in settled) throw settled.error
  return settled.kind === 'whole'
    ? undefined
    : Promise.reject<undefined>(changedError(transfer.order.shown) satisfies KissError)
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
      // That a host has private artifacts is not for everybody: those are counted together, under no name.
      store.figures.servedOf(of.private ? '' : hostOf(of.url), bytes)
      if (outcome === 'aborted') store.counters.add('served_aborted', bytes)
      await content.close()
    },
  }
}
