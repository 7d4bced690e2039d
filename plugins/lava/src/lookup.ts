/** Asks a cache whether it has the artifacts of a job, without starting a download. */
import { KissError } from 'kiss-cache/plugin'
import type { Download } from './downloads.js'
import type { Source } from './source.js'

export interface Lookup {
  readonly download: Download
  /** null: it does not go through a cache. */
  readonly cached: boolean | null
  /** Bytes, where it is cached. */
  readonly size: number | null
}

/** In the order of the downloads. @throws KissError where the cache cannot be asked */
export async function lookUp(
  source: Source,
  downloads: readonly Download[],
  { parallel, signal }: { readonly parallel: number; readonly signal: AbortSignal },
): Promise<Lookup[]> {
  const found: Lookup[] = []
  const queue = downloads.entries()
  const work = async (): Promise<void> => {
    for (const [index, download] of queue) found[index] = await lookUpOne(source, download, signal)
  }
  await Promise.all(Array.from({ length: parallel }, work))
  return found
}

async function lookUpOne(source: Source, download: Download, signal: AbortSignal): Promise<Lookup> {
  const { origin, headers } = download
  if (origin === undefined) return { download, cached: null, size: null }
  try {
    const artifact = await source.fetch({ url: origin, headers, offline: true, signal })
    const size = artifact.content.length ?? null
    // A server that has never heard of only-if-cached would have started a download.
    const cached = artifact.as === 'hit' || artifact.as === 'stale'
    await artifact.close('done')
    return { download, cached, size }
  } catch (error) {
    if (error instanceof KissError && error.code === 'offline') return { download, cached: false, size: null }
    throw error
  }
}
