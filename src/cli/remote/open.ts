/** Opens the kiss servers of a command's settings. */

import type { Engine } from '../../engine/types.js'
import { refuseOpenCredentials } from '../../http/endpoint.js'
import type { BaseCommand } from '../base-command.js'
import { tokenIn } from '../settings/places.js'
import type { SettingValues } from '../settings/table.js'
import { RemoteClient } from './client.js'

export interface Remote {
  readonly server: URL
  readonly client: RemoteClient
}

/** The data that is sent to a server beside its own token. */
export interface Sent {
  readonly urls: readonly URL[]
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Opens a server for documents.
 * @throws KissError `usage` if a credential would be sent unencrypted
 */
export async function openRemote(
  command: BaseCommand,
  server: URL,
  values: SettingValues,
  sent: Sent = { urls: [], headers: {} },
): Promise<Remote> {
  const token = await tokenIn('server-token-file', values)
  refuseOpenCredentials(server, { ...sent, token })
  const caFile = values['ca-file']
  const secureContext = caFile === undefined ? undefined : await trusted(caFile)
  return { server, client: new RemoteClient(server, { token, secureContext, version: command.config.version }) }
}

export interface ServersOptions {
  /** Opens the local cache if no server can be reached; undefined: that is a failure. */
  readonly local: (() => Promise<Engine>) | undefined
  /** Receives a line about the use of the local cache, and about another web server in the place of a server. */
  readonly note: (line: string) => void
  /** For --verbose. */
  readonly trace?: ((lines: string) => void) | undefined
}

/**
 * Opens the servers of `--server` for artifacts; no local cache is written.
 * @throws KissError `usage` if a credential would be sent unencrypted
 */
export async function openServers(
  values: SettingValues,
  sent: Sent,
  options: ServersOptions,
): Promise<Pick<Engine, 'fetch' | 'close'>> {
  const token = await tokenIn('server-token-file', values)
  for (const server of values.server) refuseOpenCredentials(server, { ...sent, token })
  const [{ ThroughServers }, { systemClock }] = await Promise.all([
    import('../../engine/through-servers.js'),
    import('../../clock.js'),
  ])
  const { 'ca-file': caFile, 'max-rate': maxRate, 'stall-timeout': stallTimeout } = values
  return new ThroughServers({
    ...options,
    servers: values.server,
    token,
    retryFor: values['retry-for'],
    parallel: { connections: values['connections-per-download'], memory: values['segment-memory'] },
    clock: systemClock,
    upstream: {
      guard: false,
      deny: values['deny-upstream'],
      stallTimeout,
      ...(caFile === undefined ? {} : { caFile }),
      ...(maxRate === undefined ? {} : { maxRate }),
    },
  })
}

async function trusted(caFile: string): Promise<unknown> {
  const { trusting } = await import('../../upstream/trust.js')
  return trusting(caFile, process.env.NODE_EXTRA_CA_CERTS)
}
