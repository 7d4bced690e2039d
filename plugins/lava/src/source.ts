/** Where downloads are had from: the local cache, or kiss servers; both look like an engine. */
import { openEngine, openServers, type BaseCommand, type Engine, type SettingValues } from 'kiss-cache/plugin'
import type { Download } from './downloads.js'

export type Source = Pick<Engine, 'fetch' | 'close'>

/** A server that cannot be reached is a failure. @throws KissError `usage` where a credential of the job would go there unencrypted */
export async function openSource(
  command: BaseCommand,
  values: SettingValues,
  downloads: readonly Download[],
): Promise<Source> {
  return values.server.length === 0
    ? openEngine(command)
    : openServers(values, sentFor(downloads), { local: undefined, note: (line) => command.note(line) })
}

/** What the downloads send to a server. */
export function sentFor(downloads: readonly Download[]): {
  readonly urls: readonly URL[]
  readonly headers: Readonly<Record<string, string>>
} {
  return {
    urls: downloads.flatMap(({ origin }) => (origin === undefined ? [] : [origin])),
    headers: Object.assign({}, ...downloads.map((download) => download.headers)) as Record<string, string>,
  }
}
