/** The cache that `kiss list`, `kiss purge` and `kiss stats` look at: the local one, or that of a server. */

import type { PurgeFilter, PurgeResult } from '../../engine/types.js'
import { statusDocument } from '../../server/status.js'
import { unlessAborted } from '../../waits.js'
import type { BaseCommand } from '../base-command.js'
import { openEngine } from '../open-engine.js'
import type { SettingValues } from '../settings/table.js'
import type { Showable } from './list.js'

export interface InspectedCache {
  /** Its directory, or the displayable address of its server. */
  readonly name: string
  /** The entries that a filter chooses; all of them for an empty one. In no order. */
  entries(filter: PurgeFilter): Promise<Showable[]>
  purge(filter: PurgeFilter): Promise<PurgeResult>
  /** The document of `/api/v1/status/`. */
  status(): Promise<Readonly<Record<string, unknown>>>
  close(): Promise<void>
}

export async function openCache(command: BaseCommand, values: SettingValues): Promise<InspectedCache> {
  const [server] = values.server
  return server === undefined ? openLocal(command, values) : openServer(command, server, values)
}

async function openLocal(command: BaseCommand, values: SettingValues): Promise<InspectedCache> {
  const engine = await openEngine(command)
  const name = values['cache-dir'] ?? ''
  return {
    name,
    async entries(filter) {
      const entries: Showable[] = []
      for await (const entry of engine.select(filter)) entries.push(entry)
      return entries
    },
    // Between any two entries the cache is in order.
    purge: (filter) => unlessAborted(engine.purge(filter), command.stop),
    status: async () =>
      statusDocument(await engine.status(), { instance: name, version: command.config.version, now: Date.now() }),
    close: () => engine.close(),
  }
}

async function openServer(command: BaseCommand, server: URL, values: SettingValues): Promise<InspectedCache> {
  const [{ openRemote }, { remoteEntries, remotePurge, remoteStatus }] = await Promise.all([
    import('../remote/open.js'),
    import('../remote/admin.js'),
  ])
  const remote = await openRemote(command, server, values)
  return {
    name: remote.client.shown,
    entries: (filter) => remoteEntries(remote, filter, command.stop),
    purge: (filter) => remotePurge(remote, filter, command.stop),
    status: () => remoteStatus(remote, command.stop),
    close: async () => undefined,
  }
}
