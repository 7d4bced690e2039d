/** Opens the kiss server of a command's settings. */

import { KissError } from '../../errors.js'
import type { BaseCommand } from '../base-command.js'
import { openEngine } from '../open-engine.js'
import { tokenIn } from '../settings/places.js'
import type { SettingValues } from '../settings/table.js'
import { RemoteClient } from './client.js'
import { refuseOpenCredentials } from '../../http/endpoint.js'
import { RemoteFetcher } from './fetcher.js'

export interface Remote {
  readonly server: URL
  readonly client: RemoteClient
}

/**
 * @param sent the credentials that are sent beside the server's own token
 * @throws KissError `usage` if a credential would be sent unencrypted
 */
export async function openRemote(
  command: BaseCommand,
  server: URL,
  values: SettingValues,
  sent: { readonly urls: readonly URL[]; readonly headers: Readonly<Record<string, string>> },
): Promise<Remote> {
  const token = await tokenIn('server-token-file', values)
  refuseOpenCredentials(server, { ...sent, token })
  const caFile = values['ca-file']
  const secureContext = caFile === undefined ? undefined : await trusted(caFile)
  return { server, client: new RemoteClient(server, { token, secureContext, version: command.config.version }) }
}

/** `kiss fetch --server`: refuses options that need a local cache. */
export async function openRemoteFetcher(
  command: BaseCommand,
  server: URL,
  values: SettingValues,
  sent: { readonly urls: readonly URL[]; readonly headers: Readonly<Record<string, string>> },
): Promise<RemoteFetcher> {
  for (const name of ['path', 'offline', 'refresh'] as const) {
    if (values[name]) throw new KissError('usage', `--${name} does not go with --server`)
  }
  return new RemoteFetcher({
    ...(await openRemote(command, server, values, sent)),
    local: values['no-fallback'] ? undefined : () => openEngine(command),
    note: (line) => command.note(line),
  })
}

async function trusted(caFile: string): Promise<unknown> {
  const { trusting } = await import('../../upstream/trust.js')
  return trusting(caFile, process.env.NODE_EXTRA_CA_CERTS)
}
