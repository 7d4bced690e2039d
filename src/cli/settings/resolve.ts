/** Resolves settings in the order: flag > environment > file > default. */

import path from 'node:path'
import { flagsOf } from '../arguments.js'
import { parseConfigured, parseSetting, type Value } from './parse.js'
import { environmentName, settingNames, settingOf, type SettingName, type SettingValues } from './table.js'
import type { SettingsFile } from './file.js'

export type Source =
  | { readonly from: 'flag' }
  | { readonly from: 'environment'; readonly name: string }
  | { readonly from: 'file'; readonly file: string; readonly line: number }
  | { readonly from: 'default' }

/** The origin of a value, and its text there; no text for a default. */
export interface Origin {
  readonly source: Source
  readonly texts: readonly string[]
}

export interface Settings {
  readonly values: SettingValues
  readonly origins: Readonly<Record<SettingName, Origin>>
  readonly file: SettingsFile | undefined
}

export interface SettingsInput {
  /** The flags of oclif: text, texts, or a boolean; names that are no settings are ignored. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly file: SettingsFile | undefined
  /** Defaults that are not in the table: those of the platform or of one command, as they would be written. */
  readonly defaults: Partial<Readonly<Record<SettingName, string>>>
  /** The base of relative paths in flags and variables. */
  readonly cwd: string
  /** As it was typed, so that messages name a flag by the name that the user chose. */
  readonly argv?: readonly string[]
}

/** @throws KissError `usage`, naming the flag or the variable */
export function resolveSettings(input: SettingsInput): Settings {
  const values: Partial<Record<SettingName, Value>> = {}
  const origins: Partial<Record<SettingName, Origin>> = {}
  for (const name of settingNames) {
    const { value, ...origin } = resolveSetting(name, input)
    values[name] = value
    origins[name] = origin
  }
  return { values: values as SettingValues, origins: origins as Record<SettingName, Origin>, file: input.file }
}

/** One setting, if it is needed before the others can be checked. */
export function resolveSetting(name: SettingName, input: SettingsInput): Origin & { readonly value: Value } {
  const setting = settingOf(name)
  const context = { base: input.cwd }
  const flag = textsOfFlag(input.flags[name])
  if (flag !== undefined) {
    return {
      value: parseSetting(setting, flag, `--${typedName(name, input.argv)}`, context),
      texts: flag,
      source: { from: 'flag' },
    }
  }

  const variable = environmentName(name)
  const text = setting.only === 'flag' ? undefined : input.env[variable]
  if (text !== undefined && text !== '' && !isServiceLink(text)) {
    const texts = setting.kind === 'header' ? text.split('\n') : [text]
    const value = parseConfigured(setting, texts, variable, context)
    return { value, texts, source: { from: 'environment', name: variable } }
  }

  const written = input.file?.values.get(name)
  if (input.file !== undefined && written !== undefined) {
    const { value, texts, line } = written
    return { value, texts, source: { from: 'file', file: input.file.file, line } }
  }

  const fallback = input.defaults[name] ?? setting.default
  const texts = fallback === undefined ? [] : [fallback]
  const nothing = setting.many === true ? [] : setting.kind === 'boolean' ? false : undefined
  const value = fallback === undefined ? nothing : parseSetting(setting, texts, name, context)
  return { value, texts, source: { from: 'default' } }
}

/** Kubernetes sets KISS_PORT=tcp://10.0.0.1:8001 in every pod beside a service named kiss; it is no setting. */
function isServiceLink(text: string): boolean {
  return /^(?:tcp|udp|sctp):\/\//.test(text)
}

function textsOfFlag(value: unknown): string[] | undefined {
  if (value === undefined) return undefined
  return (Array.isArray(value) ? value : [value]).map(String)
}

/** The flag's name, or its alias where the last one that was typed is the alias: that one's value counts. */
function typedName(name: SettingName, argv: readonly string[] = []): string {
  const { alias } = settingOf(name)
  const names = [name, ...(alias === undefined ? [] : [alias])]
  const typed = flagsOf(argv).map((argument) => /^--([^=]+)/.exec(argument)?.[1])
  return typed.findLast((word) => word !== undefined && names.includes(word)) ?? name
}

/** The configuration file that a command line names, before anything else of it is parsed; `--` ends the flags. */
export function configFlagOf(argv: readonly string[]): string | undefined {
  const flags = flagsOf(argv)
  const index = flags.findIndex((arg) => arg === '--config' || arg.startsWith('--config='))
  const found = flags[index]
  if (found === undefined) return undefined
  return found === '--config' ? flags[index + 1] : found.slice('--config='.length)
}

/** The file to read, and whether it must exist. */
export function settingsFileOf(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  configDir: string,
  cwd: string,
): { readonly file: string; readonly required: boolean } {
  const named = flag ?? (env.KISS_CONFIG === '' ? undefined : env.KISS_CONFIG)
  return named === undefined
    ? { file: path.join(configDir, 'config.yaml'), required: false }
    : { file: path.resolve(cwd, named), required: true }
}
