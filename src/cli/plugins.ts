/** Finds and loads plugins. */

import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { Plugin, type Command, type Interfaces } from '@oclif/core'
import { KissError } from '../errors.js'
import { home } from '../home.js'
import { PROVIDERS_HOOK } from '../provider/types.js'
import { readBundledPlugin } from './bundled-plugin.js'
import { nearest } from './nearest.js'
import type { PluginReference } from './settings/load.js'

const ours = ['s3', 'gitlab', 'github', 'lava']

/** kiss itself, its plugins and oclif's help. */
export function bundledPlugins(): Interfaces.Plugin[] {
  const isInstalled = (folder: string): boolean => existsSync(path.join(folder, 'package.json'))
  const help = packageFolders('@oclif/plugin-help', [home]).filter(isInstalled).slice(0, 1)
  return [
    readBundledPlugin(home, true),
    ...help.map((folder) => readBundledPlugin(folder)),
    ...ours.map((name) => readBundledPlugin(path.join(home, 'plugins', name))),
  ]
}

/**
 * Third-party plugins, in the order they are named. Throws KissError `configuration` with the plugin's name when one is
 * missing, does not load, or brings a command that is there already.
 */
export async function loadPlugins(
  references: readonly PluginReference[],
  present: readonly Interfaces.Plugin[],
): Promise<Plugin[]> {
  const plugins: Plugin[] = []
  for (const reference of references) {
    const folder = await findPlugin(reference)
    const plugin = await load(new NamedPlugin({ root: folder, type: 'user', errorOnManifestCreate: true }))
    refuseClashes(plugin, [...present, ...plugins])
    plugins.push(plugin)
  }
  return plugins
}

/** An oclif plugin whose failures name it: oclif's own say which file is missing, or only warn. */
class NamedPlugin extends Plugin {
  override async findCommand(id: string, options: { must: true }): Promise<Command.Class>
  override async findCommand(id: string, options?: { must: boolean }): Promise<Command.Class | undefined>
  override async findCommand(id: string, options?: { must: boolean }): Promise<Command.Class | undefined> {
    try {
      return await super.findCommand(id, options)
    } catch (error) {
      throw pluginError(this.name, `its command ${id.replaceAll(':', ' ')} does not load`, error)
    }
  }
}

async function load(plugin: Plugin): Promise<Plugin> {
  try {
    await plugin.load()
  } catch (error) {
    // Without a manifest oclif loads every command.
    if (plugin.valid && !plugin.hasManifest) throw withoutManifest(plugin)
    throw pluginError(plugin.options.root, 'it does not load', error)
  }
  if (!plugin.valid) throw pluginError(plugin.name, 'its package.json has no "oclif" section')
  refuseUnknownHooks(plugin)
  if (!plugin.hasManifest) throw withoutManifest(plugin)
  return plugin
}

/** Without a manifest oclif cannot tell a plugin that was not built from one without commands. */
function withoutManifest({ name, root }: Plugin): KissError {
  const isThere = ['oclif.manifest.json', '.oclif.manifest.json'].some((file) => existsSync(path.join(root, file)))
  const what = isThere ? 'its oclif.manifest.json is broken, or of another version' : 'it has no oclif.manifest.json'
  return new KissError('configuration', `plugin ${name}: ${what}`, {
    hint: `build the plugin, or run "npx oclif@4 manifest" in ${root}`,
  })
}

/** The hooks that oclif runs. */
const oclifHooks = [
  'init',
  'preparse',
  'prerun',
  'postrun',
  'finally',
  'command_incomplete',
  'command_not_found',
  'jit_plugin_not_installed',
]

/** oclif ignores a hook of an unknown name, and the providers that it would have registered are missing later. */
function refuseUnknownHooks(plugin: Plugin): void {
  const known = [PROVIDERS_HOOK, ...oclifHooks]
  const unknown = Object.keys(plugin.hooks).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const meant = nearest(unknown, known) ?? PROVIDERS_HOOK
  throw pluginError(plugin.name, `kiss runs no hook named ${unknown}; the name may be ${meant}`)
}

/** A failure of a plugin. A KissError already names the plugin. */
function pluginError(plugin: string, what: string, cause?: unknown): KissError {
  if (cause instanceof KissError) return cause
  const reason = cause instanceof Error ? `: ${cause.message}` : ''
  return new KissError('configuration', `plugin ${plugin}: ${what}${reason}`, { cause })
}

function refuseClashes(plugin: Plugin, others: readonly Interfaces.Plugin[]): void {
  for (const other of others) {
    if (other.name === plugin.name) throw pluginError(plugin.name, 'it is there already')
    const id = plugin.commandIDs.find((id) => other.commandIDs.includes(id))
    if (id !== undefined) {
      throw pluginError(plugin.name, `its command ${id.replaceAll(':', ' ')} is there already, from ${other.name}`)
    }
  }
}

async function findPlugin({ name, base }: PluginReference): Promise<string> {
  const candidates = isFolder(name) ? [path.resolve(base, name)] : packageFolders(name, [base, home])
  for (const folder of candidates) {
    if (await isFile(path.join(folder, 'package.json'))) return folder
  }
  const where = isFolder(name)
    ? `${path.resolve(base, name)} has no package.json`
    : `no such package beside ${base} or beside kiss`
  throw pluginError(name, where)
}

/** Everything that cannot be the name of a package: `./x`, `/x`, `x/y`; `@scope/x` is a package. */
function isFolder(name: string): boolean {
  return path.isAbsolute(name) || name.startsWith('.') || (name.includes('/') && !/^@[^/]+\/[^/]+$/.test(name))
}

/** As Node looks for packages, without asking their `exports`. */
function packageFolders(name: string, starts: readonly string[]): string[] {
  return starts.flatMap((start) => {
    const folders = []
    for (let folder = start; ; folder = path.dirname(folder)) {
      folders.push(path.join(folder, 'node_modules', name))
      if (path.dirname(folder) === folder) return folders
    }
  })
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (stats) => stats.isFile(),
    () => false,
  )
}
