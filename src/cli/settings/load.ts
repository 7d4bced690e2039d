/** Reads the configuration file that applies to this process, once. */

import { configFlagOf, resolveSetting, settingsFileOf, type SettingsInput } from './resolve.js'
import { readSettingsFile, type SettingsFile } from './file.js'
import { workingDirectory } from '../surroundings.js'
import path from 'node:path'
import { KissError, systemCode } from '../../errors.js'
import { flagsOf } from '../arguments.js'
import { writeLines } from '../terminal.js'

const loaded = new Map<string, Promise<SettingsFile | undefined>>()

/** @throws KissError `configuration` */
export async function loadSettingsFile(argv: readonly string[], configDir: string): Promise<SettingsFile | undefined> {
  const { file, required } = settingsFileOf(configFlagOf(argv), process.env, configDir, workingDirectory())
  const reading = loaded.get(file) ?? readSettingsFile(file, required)
  loaded.set(file, reading)
  if (required || !namesCache(argv)) return reading
  return reading.catch((error: unknown) => {
    // An unreadable file is ignored here; an invalid text is still an error.
    if (!(error instanceof KissError) || systemCode(error) === undefined) throw error
    if (!warned.has(file)) writeLines('stderr', `kiss: ${error.message}; continuing without it`)
    warned.add(file)
    return undefined
  })
}

const warned = new Set<string>()

/** Do flags or the environment name the cache? All other settings have defaults. */
function namesCache(argv: readonly string[]): boolean {
  const flags = flagsOf(argv).map((flag) => flag.split('=', 1)[0] ?? '')
  return (
    [process.env.KISS_CACHE_DIR, process.env.KISS_SERVER].some((value) => value !== undefined && value !== '') ||
    flags.includes('--cache-dir') ||
    flags.includes('--server')
  )
}

/** The next call reads the file again. */
export function forgetSettingsFile(): void {
  loaded.clear()
}

/** A configured plugin, and the folder that its path is relative to. */
export interface PluginReference {
  readonly name: string
  readonly base: string
}

/** The third-party plugins of the settings. No command is known yet, so there are no flags. */
export function configuredPlugins(file: SettingsFile | undefined): PluginReference[] {
  const input: SettingsInput = { flags: {}, env: process.env, file, defaults: {}, cwd: workingDirectory() }
  const { value, source } = resolveSetting('plugins', input)
  const base = source.from === 'file' ? path.dirname(source.file) : input.cwd
  return Array.isArray(value) ? value.map((name) => ({ name: String(name), base })) : []
}
