/** Where downloads are had from: the local cache, or a kiss server; both look like an engine. */
import { text } from 'node:stream/consumers'
import {
  displayUrl,
  endpoint,
  KissError,
  openEngine,
  openRemote,
  problemError,
  remoteArtifact,
  Unanswered,
  type Artifact,
  type BaseCommand,
  type Engine,
  type FetchRequest,
  type Remote,
  type SettingValues,
} from 'kiss-cache/plugin'
import type { Download } from './downloads.js'
import { fileName } from './urls.js'

export type Source = Pick<Engine, 'fetch' | 'close'>

/** @throws KissError `usage` where a credential of the job would go to a server unencrypted */
export async function openSource(
  command: BaseCommand,
  values: SettingValues,
  downloads: readonly Download[],
): Promise<Source> {
  if (values.server === undefined) return openEngine(command)
  const urls = downloads.flatMap(({ origin }) => (origin === undefined ? [] : [origin]))
  const headers = Object.assign({}, ...downloads.map((download) => download.headers)) as Record<string, string>
  return new ServerSource(await openRemote(command, values.server, values, { urls, headers }))
}

/** Milliseconds: longer than a server makes its clients wait for a first byte. */
const patience = 120_000

/** Asks only the server: an artifact that it lacks is missing. `offline`: it serves stored artifacts alone. */
export class ServerSource implements Source {
  readonly #remote: Remote

  constructor(remote: Remote) {
    this.#remote = remote
  }

  async fetch(request: FetchRequest): Promise<Artifact> {
    const { client, server } = this.#remote
    const { url, ttl, headers = {}, offline = false, signal = new AbortController().signal } = request
    const names = Object.keys(headers)
    const address = endpoint(server, `fetch/${encodeURIComponent(fileName(url.href) ?? '')}`, {
      url: url.href,
      ttl: ttl === undefined ? undefined : `${ttl}ms`,
      passheaders: names.length === 0 ? undefined : names.join(','),
    })
    // RFC 9111 §5.2.1.7
    const asked = offline ? { ...headers, 'cache-control': 'only-if-cached' } : headers
    const method = offline ? 'HEAD' : 'GET'
    const response = await client
      .request(address, { method, headers: asked, signal, patience })
      .catch((error: unknown) => {
        if (!(error instanceof Unanswered)) throw error
        throw new KissError('origin-unreachable', `${client.shown} does not answer: ${error.message}`, { cause: error })
      })
    const status = response.statusCode ?? 0
    if (status === 200) {
      return remoteArtifact({
        url: displayUrl(url),
        server: client.shown,
        response,
        promised: undefined,
        signal,
        patience,
      })
    }
    if (offline && status === 504) throw new KissError('offline', `${client.shown} has not got ${displayUrl(url)}`)
    throw problemError(client.shown, status, await text(response))
  }

  async close(): Promise<void> {
    // The reader of an answer closes it.
  }
}
