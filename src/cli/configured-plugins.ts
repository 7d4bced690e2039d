/** The third-party plugins of the settings, asked for before there is a command. */

import path from 'node:path'
import { settingsFileOf } from './settings/resolve.js'
import { readSettingsFile } from './settings/file.js'
import type { PluginReference } from './plugins.js'

/**
 * KISS_PLUGINS, else `plugins:` of the configuration file. Folders and packages are looked for from where they are named.
 * @throws KissError `configuration`
 */
export async function configuredPlugins(configFlag: string | undefined, configDir: string): Promise<PluginReference[]> {
  const cwd = process.cwd()
  const { KISS_PLUGINS: variable } = process.env
  if (variable !== undefined && variable !== '') {
    const names = variable.split(',').map((name) => name.trim())
    return names.filter((name) => name !== '').map((name) => ({ name, base: cwd }))
  }
  const { file, required } = settingsFileOf(configFlag, process.env, configDir, cwd)
  const settings = await readSettingsFile(file, required)
  const names = settings?.values.get('plugins')?.value
  return Array.isArray(names) ? names.map((name) => ({ name: String(name), base: path.dirname(file) })) : []
}
