/**
 * A plugin that comes with kiss, by its package.json and its manifest. oclif's own class searches for both and sorts by
 * language, which takes as long as all the rest of finding a command.
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import type { Command, Interfaces } from '@oclif/core'

interface PackageJson extends Interfaces.PJSON {
  readonly oclif: Interfaces.PJSON['oclif'] & {
    readonly hooks?: Readonly<Record<string, string>>
    readonly topics?: Readonly<Record<string, { readonly description: string }>>
  }
}

const require = createRequire(import.meta.url)

/** Reads synchronously, because nothing else runs yet. */
export function readBundledPlugin(root: string, isRoot = false): Interfaces.Plugin {
  const pjson = readJson(path.join(root, 'package.json')) as PackageJson
  const { commands } = readJson(path.join(root, 'oclif.manifest.json')) as Interfaces.Manifest
  const { version, oclif } = pjson
  // `kiss --version` shows the name of the command, not of the package.
  const name = isRoot ? 'kiss' : pjson.name
  const findCommand = async (id: string): Promise<Command.Class> => {
    const { relativePath = [] } = commands[id] ?? {}
    const { default: command } = require(path.join(root, ...relativePath)) as { default: Command.Class }
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
    pjson: { ...pjson, name },
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

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'))
}
