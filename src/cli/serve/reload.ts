/** The settings that `kiss serve` applies at runtime: read again on SIGHUP, and checked by `--check`. */

import { stat } from 'node:fs/promises'
import { KissError } from '../../errors.js'
import type { Engine } from '../../engine/types.js'
import { Access, type AccessOptions } from '../../server/access.js'
import type { LogLevel, OpenLog } from '../../server/log.js'
import type { ServerLog } from '../../server/request-log.js'
import type { RunningServer } from '../../server/server.js'
import { readTls, type TlsMaterial } from '../../server/tls.js'
import type { Mirror, Parents } from '../../upstream/types.js'
import type { BaseCommand } from '../base-command.js'
import type { Rule } from '../../engine/rules/rules.js'
import { configuredMirrors, parentsFor } from '../settings/places.js'
import { openProviders } from '../open-engine.js'
import { ownSections } from '../settings/file.js'
import { configuredRules, dividedRules } from '../settings/rules.js'
import type { Settings } from '../settings/resolve.js'
import { settingNames, settingOf, type SettingName, type SettingValues } from '../settings/table.js'
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
  'parent-token-file',
  'log-level',
  'tls-cert',
  'tls-key',
])

export interface Checked {
  readonly settings: Settings
  readonly access: AccessOptions
  readonly tls: TlsMaterial | undefined
  readonly mirrors: readonly Mirror[]
  readonly parents: Parents
  readonly rules: readonly Rule[]
}

/**
 * Reads all files that the settings name, without using them. The plugins check their sections, unless these are the same as
 * in `before`.
 * @throws KissError `configuration` or `usage` for the first fault
 */
export async function checkSettings(command: BaseCommand, settings: Settings, before?: Settings): Promise<Checked> {
  const { values, file } = settings
  const access = await accessOptions(values)
  new Access(access)
  const tlsFrom = tlsFiles(values)
  const tls = tlsFrom && readTls(tlsFrom)
  await clusterOptions(values, '')
  const mirrors = configuredMirrors(file)
  const parents = await parentsFor(settings)
  const rules = configuredRules(file)
  const [{ checkLists }, { checkProxies }, { trusting }] = await Promise.all([
    import('../../upstream/lists.js'),
    import('../../upstream/proxies.js'),
    import('../../upstream/trust.js'),
  ])
  checkProxies(process.env)
  if (values['ca-file'] !== undefined) await trusting(values['ca-file'], undefined)
  checkLists({ mirrors, parents, allow: values['allow-upstream'], deny: values['deny-upstream'] })
  if (before === undefined || changedSections(before, settings).length > 0) await openProviders(command, settings, true)
  return { settings, access, tls, mirrors, parents, rules }
}

export interface Reloading {
  readonly command: BaseCommand
  readonly engine: Engine
  readonly server: RunningServer
  readonly log: OpenLog
  /** Reports settings that need a restart: the primary does so once for all workers. */
  readonly isWorker: boolean
}

/** All or nothing: a broken setting is logged, and nothing changes. */
export async function reload({ command, engine, server, log, isWorker }: Reloading): Promise<void> {
  try {
    const before = await command.settings()
    const checked = await checkSettings(command, await readAgain(command), before)
    const { settings, access, mirrors, parents, rules, tls } = checked
    const { quota, 'allow-upstream': allow, 'deny-upstream': deny, 'log-level': level } = settings.values
    // The number of started workers: another number needs a restart.
    const divided = dividedRules(rules, before.values.workers)
    await engine.reconfigure({ ...(quota !== undefined && { quota }), allow, deny, mirrors, parents, rules: divided })
    server.updateAccess(access)
    if (tls !== undefined && tlsFiles(before.values) !== undefined) {
      server.updateTls(tls)
      log.info('certificate read again')
    }
    log.setLevel(level as LogLevel)
    log.info('settings read again')
    if (!isWorker) nameRestarts(before, settings, log)
  } catch (error) {
    log.error('the settings cannot be used; the old ones stay', error)
  }
}

/** For the primary, which has no settings to change: the workers report errors. */
export async function tellRestarts(command: BaseCommand, log: ServerLog): Promise<void> {
  const settings = await readAgain(command).catch(() => undefined)
  if (settings !== undefined) nameRestarts(await command.settings(), settings, log)
}

/** @throws KissError `configuration` or `usage` */
async function readAgain(command: BaseCommand): Promise<Settings> {
  await refusePipes((await command.settings()).values)
  const settings = await command.settingsAnew()
  await refusePipes(settings.values)
  return settings
}

/** A pipe, such as that of `--config <(command)`, can be read once only. To open it again would block the process. */
async function refusePipes(values: SettingValues): Promise<void> {
  for (const name of settingNames.filter((name) => settingOf(name).kind === 'path')) {
    const file = values[name]
    if (typeof file !== 'string') continue
    const found = await stat(file).catch(() => undefined)
    if (found === undefined || !(found.isFIFO() || found.isSocket())) continue
    throw new KissError('configuration', `--${name} ${file} is a pipe and cannot be read again`)
  }
}

function nameRestarts(before: Settings, now: Settings, log: ServerLog): void {
  const changed = settingNames.filter(
    (name) => !isApplied(name, before.values, now.values) && !isSame(before.values[name], now.values[name]),
  )
  const names = [...changed, ...changedSections(before, now)]
  if (names.length > 0) log.warn(`changed, and in force after a restart: ${names.join(', ')}`)
}

/** The names of the sections of plugins that differ. */
function changedSections(before: Settings, now: Settings): string[] {
  const section = ({ file }: Settings, name: string): unknown => file?.sections.get(name)?.value
  const sections = new Set([before, now].flatMap(({ file }) => [...(file?.sections.keys() ?? [])]))
  return [...sections].filter(
    (name) => !ownSections.includes(name) && !isSame(section(before, name), section(now, name)),
  )
}

/** Other certificates can be used at runtime, but a listener cannot change between HTTP and HTTPS. */
function isApplied(name: SettingName, before: SettingValues, now: SettingValues): boolean {
  const isOfTls = name === 'tls-cert' || name === 'tls-key'
  return changeable.has(name) && !(isOfTls && (before[name] === undefined) !== (now[name] === undefined))
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
