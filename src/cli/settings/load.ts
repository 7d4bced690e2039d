/** Reads the configuration file that applies to this process, once. */

import { configFlagOf, resolveSetting, settingsFileOf, type SettingsInput } from './resolve.js'
import { readSettingsFile, type SettingsFile } from './file.js'
import path from 'node:path'

const loaded = new Map<string, Promise<SettingsFile | undefined>>()

/** @throws KissError `configuration` */
export async function loadSettingsFile(argv: readonly string[], configDir: string): Promise<SettingsFile | undefined> {
  const { file, required } = settingsFileOf(configFlagOf(argv), process.env, configDir, process.cwd())
  const reading = loaded.get(file) ?? readSettingsFile(file, required)
  loaded.set(file, reading)
  return reading
}

/** A plugin that somebody configured, and the folder that its name is relative to. */
export interface PluginReference {
  readonly name: string
  readonly base: string
}

/** The third-party plugins of the settings; there is no command yet, so no flags either. */
export function configuredPlugins(file: SettingsFile | undefined): PluginReference[] {
  const input: SettingsInput = { flags: {}, env: process.env, file, defaults: {}, cwd: process.cwd() }
  const { value, source } = resolveSetting('plugins', input)
  const base = source.from === 'file' ? path.dirname(source.file) : input.cwd
  return Array.isArray(value) ? value.map((name) => ({ name: String(name), base })) : []
}
