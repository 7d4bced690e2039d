/** Opens the engine with the settings of a command and the providers of every plugin. */

import type { ClusterOptions, Engine, EngineOptions } from '../engine/types.js'
import { KissError } from '../errors.js'
import { plainWithLogins } from '../provider/owner.js'
import { collectProviders } from '../provider/registry.js'
import type { UpstreamProvider } from '../provider/types.js'
import type { OwnServer, UpstreamOptions } from '../upstream/types.js'
import type { BaseCommand } from './base-command.js'
import { readNetrc } from './netrc.js'
import { openHttp } from './open-http.js'
import { configuredMirrors, parentsFor } from './settings/places.js'
import { configuredRules, dividedRules } from './settings/rules.js'
import type { Settings } from './settings/resolve.js'
import type { SettingValues } from './settings/table.js'

export interface OpenEngineOptions {
  /** True in `kiss serve`: the address guard is on, and providers lend only what the settings list. */
  readonly serving?: boolean
  /** This instance's name in Via, for the server's own loop check. */
  readonly via?: string
  /** The server, so that no origin leads back to it. */
  readonly self?: OwnServer
  /** The key of fingerprints of the workers of one server, which share accepted credentials. */
  readonly credentialKey?: string
  /** Joins a cluster. */
  readonly cluster?: ClusterOptions | undefined
  /** Receives warnings for the operator; default: stderr. */
  readonly warn?: (line: string) => void
  /** Receives every request to an origin and every decision, without credentials; for --verbose. */
  readonly trace?: ((lines: string) => void) | undefined
}

/** Runs the providers' hook and opens the cache. The caller closes it. */
export async function openEngine(command: BaseCommand, options: OpenEngineOptions = {}): Promise<Engine> {
  const { serving = false, warn = (line) => command.note(`kiss: ${line}`) } = options
  const settings = await command.settings()
  const places = { mirrors: configuredMirrors(settings.file), parents: await parentsFor(settings) }
  const [{ openEngine: open }, providers] = await Promise.all([
    import('../engine/open.js'),
    openProviders(command, settings, serving),
  ])
  return open({
    rules: dividedRules(configuredRules(settings.file), serving ? settings.values.workers : 1),
    ...engineOptions(settings, places, { ...options, serving, warn }),
    providers,
    warn,
    ...(options.trace === undefined ? {} : { trace: options.trace }),
    cluster: options.cluster,
  })
}

/** Runs the providers' hook, which checks the sections of the plugins. @throws KissError `configuration` */
export async function openProviders(
  command: BaseCommand,
  { file, values }: Settings,
  serving: boolean,
): Promise<UpstreamProvider[]> {
  return collectProviders(
    command.config,
    {
      section: (name) => file?.sections.get(name)?.value,
      env: process.env,
      http: openHttp(command),
      serving,
    },
    // The logins of the user who runs a server are not for its clients.
    plainWithLogins(!serving && values.netrc ? await readNetrc(process.env) : new Map()),
  )
}

/** @throws KissError `configuration` */
function cacheDirOf({ 'cache-dir': cacheDir }: SettingValues): string {
  if (cacheDir !== undefined) return cacheDir
  throw new KissError('configuration', 'there is no home directory for the cache', {
    hint: 'name a directory with --cache-dir or KISS_CACHE_DIR',
  })
}

/** Pure, except for the default cache directory. */
function engineOptions(
  { values }: Settings,
  { mirrors, parents }: Pick<UpstreamOptions, 'mirrors' | 'parents'>,
  {
    serving,
    via,
    self,
    warn,
    credentialKey,
  }: OpenEngineOptions & Required<Pick<OpenEngineOptions, 'serving' | 'warn'>>,
): EngineOptions {
  // Limits of the whole server are divided among its workers.
  const share = serving ? values.workers : 1
  return {
    cacheDir: cacheDirOf(values),
    defaultTtl: values['default-ttl'],
    ...(serving && { maxTtl: values['max-ttl'] }),
    ...(credentialKey === undefined ? {} : { credentialKey }),
    staleIfError: values['stale-if-error'],
    retryFor: values['retry-for'],
    stallTimeout: values['stall-timeout'],
    authTtl: values['auth-ttl'],
    parallel: {
      connections: values['connections-per-download'],
      memory: Math.floor(values['segment-memory'] / share),
    },
    syncBodies: serving,
    ownUse: !serving,
    sealed: serving && values.sealed,
    connectEarly: serving,
    ...(serving ? { quota: values.quota } : { limit: values.quota }),
    upstream: {
      guard: serving,
      ...(mirrors && { mirrors }),
      ...(parents && { parents }),
      warn,
      allow: values['allow-upstream'],
      deny: values['deny-upstream'],
      maxDownloads: Math.max(1, Math.floor(values['max-downloads'] / share)),
      maxDownloadsPerHost: Math.max(1, Math.floor(values['max-downloads-per-host'] / share)),
      stallTimeout: values['stall-timeout'],
      env: process.env,
      ...(via === undefined ? {} : { via }),
      ...(self === undefined ? {} : { self }),
      ...(values['ca-file'] === undefined ? {} : { caFile: values['ca-file'] }),
      ...(values['max-rate'] === undefined ? {} : { maxRate: values['max-rate'] / share }),
    },
  }
}
