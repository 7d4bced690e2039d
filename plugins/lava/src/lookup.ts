/** Asks a cache whether it has the artifacts of a job, without starting a download. */
import {
  endpoint,
  KissError,
  openEngine,
  openRemote,
  problemError,
  servedAs,
  Unanswered,
  type BaseCommand,
  type Engine,
  type Remote,
  type SettingValues,
} from 'kiss-cache/plugin'
import type { Download } from './downloads.js'
import { sentFor } from './source.js'
import { fileName } from './urls.js'

/** What a cache has of an artifact. */
export interface Held {
  readonly cached: boolean
  /** Bytes, where it is cached. */
  readonly size: number | null
}

export interface Lookup {
  readonly download: Download
  /** null: it does not go through a cache. */
  readonly cached: boolean | null
  readonly size: number | null
}

/** A cache that is asked, local or a server's. */
export interface Shelf {
  look(origin: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Held>
  close(): Promise<void>
}

const MISSING: Held = { cached: false, size: null }
/** Milliseconds that a server may take to look. */
const PATIENCE = 120_000

/** @throws KissError `usage` where a credential of the job would go to a server unencrypted */
export async function openShelf(
  command: BaseCommand,
  values: SettingValues,
  downloads: readonly Download[],
): Promise<Shelf> {
  const [server] = values.server
  return server === undefined
    ? localShelf(await openEngine(command))
    : serverShelf(await openRemote(command, server, values, sentFor(downloads)))
}

function localShelf(engine: Engine): Shelf {
  return {
    async look(url, headers, signal) {
      try {
        const artifact = await engine.fetch({ url, headers, offline: true, signal })
        await artifact.close('done')
        return { cached: true, size: artifact.content.length ?? null }
      } catch (error) {
        if (error instanceof KissError && error.code === 'offline') return MISSING
        throw error
      }
    },
    close: () => engine.close(),
  }
}

/** A HEAD that no origin is contacted for (RFC 9111 §5.2.1.7). */
function serverShelf({ server, client }: Remote): Shelf {
  return {
    async look(url, headers, signal) {
      const names = Object.keys(headers)
      const address = endpoint(server, `fetch/${encodeURIComponent(fileName(url.href) ?? '')}`, {
        url: url.href,
        passheaders: names.length === 0 ? undefined : names.join(','),
      })
      const asked = { ...headers, 'cache-control': 'only-if-cached' }
      const response = await client
        .request(address, { method: 'HEAD', headers: asked, signal, patience: PATIENCE })
        .catch((error: unknown) => {
          if (!(error instanceof Unanswered)) throw error
          throw new KissError('origin-unreachable', `${client.shown} does not answer: ${error.message}`, {
            cause: error,
          })
        })
      response.resume()
      const { statusCode: status = 0, headers: answered } = response
      if (status === 504) return MISSING
      if (status !== 200) throw problemError(client.shown, status, '')
      // A server that has never heard of only-if-cached would have started a download.
      const as = servedAs(answered['cache-status']?.toString())
      const length = answered['content-length']
      return { cached: as === 'hit' || as === 'stale', size: length === undefined ? null : Number(length) }
    },
    close: async () => undefined,
  }
}

/** In the order of the downloads. @throws KissError where the cache cannot be asked */
export async function lookUp(
  shelf: Shelf,
  downloads: readonly Download[],
  { parallel, signal }: { readonly parallel: number; readonly signal: AbortSignal },
): Promise<Lookup[]> {
  const found: Lookup[] = []
  const queue = downloads.entries()
  const work = async (): Promise<void> => {
    for (const [index, download] of queue) {
      const { origin, headers } = download
      const held = origin === undefined ? { cached: null, size: null } : await shelf.look(origin, headers, signal)
      found[index] = { download, ...held }
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
  return found
}
