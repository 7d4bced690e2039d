/**
 * A plugin that comes with kiss, read from its package.json and its manifest. oclif's own class looks for both, and for
 * commands beside the manifest; that and its sorting by language took a tenth of the time to start.
 */

import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command, Interfaces } from '@oclif/core'

interface PackageJson extends Interfaces.PJSON {
  readonly oclif: Interfaces.PJSON['oclif'] & {
    readonly hooks?: Readonly<Record<string, string>>
    readonly topics?: Readonly<Record<string, { readonly description: string }>>
  }
}

/** @throws what reading its two files throws */
export async function readBundledPlugin(root: string, isRoot = false): Promise<Interfaces.Plugin> {
  const [pjson, { commands }] = await Promise.all([
    readJson<PackageJson>(root, 'package.json'),
    readJson<Interfaces.Manifest>(root, 'oclif.manifest.json'),
  ])
  const { name, version, oclif } = pjson
  const findCommand = async (id: string): Promise<Command.Class> => {
    const { relativePath = [] } = commands[id] ?? {}
    const file = pathToFileURL(path.join(root, ...relativePath)).href
    const { default: command } = (await import(file)) as { default: Command.Class }
    return Object.assign(command, { id, plugin })
  }
  const plugin: Interfaces.Plugin = {
    _base: '',
    name,
    alias: name,
    version,
    type: 'core',
    moduleType: 'module',
    valid: true,
    root,
    isRoot,
    pjson,
    options: { root, isRoot },
    load: () => Promise.resolve(),
    hasManifest: true,
    commandsDir: undefined,
    commandIDs: Object.keys(commands),
    commands: Object.entries(commands).map(([id, command]) => ({
      ...command,
      pluginAlias: name,
      pluginType: 'core',
      load: () => findCommand(id),
    })),
    findCommand,
    hooks: Object.fromEntries(
      Object.entries(oclif.hooks ?? {}).map(([event, target]) => [event, [{ identifier: 'default', target }]]),
    ),
    topics: Object.entries(oclif.topics ?? {}).map(([topic, { description }]) => ({ name: topic, description })),
  }
  return plugin
}

async function readJson<T>(folder: string, file: string): Promise<T> {
  return JSON.parse(await readFile(path.join(folder, file), 'utf8')) as T
}
