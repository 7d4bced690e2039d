/** The settings that `kiss serve` applies at runtime: read again on SIGHUP, and checked by `--check`. */

import type { Engine } from '../../engine/types.js'
import { Access, type AccessOptions } from '../../server/access.js'
import type { LogLevel, OpenLog } from '../../server/log.js'
import type { ServerLog } from '../../server/request-log.js'
import type { RunningServer } from '../../server/server.js'
import { readTls, type TlsFiles } from '../../server/tls.js'
import type { Mirror, Parent } from '../../upstream/types.js'
import type { BaseCommand } from '../base-command.js'
import type { Rule } from '../../engine/rules/rules.js'
import { configuredMirrors, parentsFor } from '../settings/places.js'
import { configuredRules, dividedRules } from '../settings/rules.js'
import type { Settings } from '../settings/resolve.js'
import { settingNames, type SettingName, type SettingValues } from '../settings/table.js'
import { accessOptions, clusterOptions, tlsFiles } from './server-settings.js'

/** All other settings need a restart. */
const changeable: ReadonlySet<SettingName> = new Set([
  'quota',
  'allow-client',
  'trust-proxy',
  'client-token-file',
  'admin-token-file',
  'allow-upstream',
  'deny-upstream',
  'parent',
  'log-level',
  'tls-cert',
  'tls-key',
])

export interface Checked {
  readonly settings: Settings
  readonly access: AccessOptions
  readonly tls: TlsFiles | undefined
  readonly mirrors: readonly Mirror[]
  readonly parents: readonly Parent[]
  readonly rules: readonly Rule[]
}

/** Reads all files that the settings name, without using them. @throws KissError `configuration` or `usage` for the first fault */
export async function checkSettings(settings: Settings): Promise<Checked> {
  const { values, file } = settings
  const access = await accessOptions(values)
  new Access(access)
  const tls = tlsFiles(values)
  if (tls !== undefined) readTls(tls)
  await clusterOptions(values, '')
  const mirrors = configuredMirrors(file)
  const { of: parents } = await parentsFor(settings)
  const rules = configuredRules(file)
  const [{ checkLists }, { checkProxies }, { trusting }] = await Promise.all([
    import('../../upstream/lists.js'),
    import('../../upstream/proxies.js'),
    import('../../upstream/trust.js'),
  ])
  checkProxies(process.env)
  if (values['ca-file'] !== undefined) await trusting(values['ca-file'], undefined)
  checkLists({ mirrors, parents, allow: values['allow-upstream'], deny: values['deny-upstream'] })
  return { settings, access, tls, mirrors, parents, rules }
}

export interface Reloading {
  readonly command: BaseCommand
  readonly engine: Engine
  readonly server: RunningServer
  readonly log: OpenLog
  /** As the server was started. */
  readonly values: SettingValues
  /** Reports settings that need a restart: the primary does so once for all workers. */
  readonly isWorker: boolean
}

/** All or nothing: a broken setting is logged, and nothing changes. */
export async function reload({ command, engine, server, log, values, isWorker }: Reloading): Promise<void> {
  try {
    const { settings, access, mirrors, parents, rules, tls } = await checkSettings(await command.settingsAnew())
    const { quota, 'allow-upstream': allow, 'deny-upstream': deny, 'log-level': level } = settings.values
    // The number of started workers: another number needs a restart.
    const divided = dividedRules(rules, values.workers)
    await engine.reconfigure({ ...(quota !== undefined && { quota }), allow, deny, mirrors, parents, rules: divided })
    server.updateAccess(access)
    if (tls !== undefined) {
      server.reloadTls()
      log.info('certificate read again')
    }
    log.setLevel(level as LogLevel)
    log.info('settings read again')
    if (!isWorker) nameRestarts(values, settings.values, log)
  } catch (error) {
    log.error('the settings cannot be used; the old ones stay', error)
  }
}

/** For the primary, which has no settings to change: the workers report errors. */
export async function tellRestarts(command: BaseCommand, values: SettingValues, log: ServerLog): Promise<void> {
  const settings = await command.settingsAnew().catch(() => undefined)
  if (settings !== undefined) nameRestarts(values, settings.values, log)
}

function nameRestarts(before: SettingValues, now: SettingValues, log: ServerLog): void {
  const changed = settingNames.filter(
    (name) => !changeable.has(name) && JSON.stringify(before[name]) !== JSON.stringify(now[name]),
  )
  if (changed.length > 0) log.warn(`changed, and in force after a restart: ${changed.join(', ')}`)
}
