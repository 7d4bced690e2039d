/** The base of every command of kiss and its plugins: settings, signals, and the output of results. */

import { Command } from '@oclif/core'
import type { Interfaces } from '@oclif/core'
import { failureJson, failureOf, type Failure, type FailureJson } from './failure.js'
import { asksForJson } from './arguments.js'
import { catchSignals } from './signals.js'
import { refuseUnknownSections } from './settings/file.js'
import { flagsFor } from './settings/flags.js'
import { forgetSettingsFile, loadSettingsFile } from './settings/load.js'
import { resolveSettings, type Settings } from './settings/resolve.js'
import type { SettingName, SettingValues } from './settings/table.js'
import { hasCacheHome, workingDirectory } from './surroundings.js'
import { writeJson, writeLines } from './terminal.js'

export abstract class BaseCommand extends Command {
  static override readonly enableJsonFlag: boolean = true
  static override readonly baseFlags: Interfaces.FlagInput = flagsFor(['config'])
  /** Signals that end this command. */
  static readonly signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
  /** Defaults of this command alone, as text. */
  static readonly settingDefaults: Partial<Readonly<Record<SettingName, string>>> = {}

  /** Aborted by the first signal; every wait of a command ends with it. */
  readonly stop: AbortSignal = catchSignals((this.ctor as typeof BaseCommand).signals)
  #settings: Promise<Settings> | undefined

  /** Flags, environment, file and defaults in one. A command with flags of its own hands in what it has parsed. */
  settings(flags?: Readonly<Record<string, unknown>>): Promise<Settings> {
    this.#settings ??= this.#resolveSettings(flags)
    return this.#settings
  }

  /** The present settings: the file is read again; flags and environment stay. */
  settingsAnew(): Promise<Settings> {
    forgetSettingsFile()
    return this.#resolveSettings()
  }

  /** The values alone. */
  async values(flags?: Readonly<Record<string, unknown>>): Promise<SettingValues> {
    return (await this.settings(flags)).values
  }

  override jsonEnabled(): boolean {
    return this.ctor.enableJsonFlag && asksForJson(this.argv)
  }

  override logJson(json: unknown): void {
    writeJson(json)
  }

  override log(line = ''): void {
    if (!this.jsonEnabled()) writeLines('stdout', line)
  }

  /** Prints the result under --json. oclif prints no result that is falsy; a command without one prints `{}`. */
  protected override async _run<T>(): Promise<T> {
    const result = await super._run<T>()
    if (!result && this.jsonEnabled()) this.logJson(result === undefined ? {} : result)
    return result
  }

  /** A line for people, beside the result: on stderr, also under --json. */
  note(line: string): void {
    writeLines('stderr', line)
  }

  /** For a command with a result and a failure: sets the exit code and returns the error for --json. */
  failed(error: unknown): FailureJson {
    const failure: Failure = failureOf(error) ?? { exit: 0, code: 'exit', message: '', bug: false }
    process.exitCode = failure.exit
    return failureJson(failure)
  }

  /** Rethrows: run.ts reports all failures, because oclif ignores exit codes here and prints argv under --json. */
  protected override catch(error: Error): never {
    throw error
  }

  async #resolveSettings(flags?: Readonly<Record<string, unknown>>): Promise<Settings> {
    const file = await loadSettingsFile(this.argv, this.config.configDir)
    if (file !== undefined) refuseUnknownSections(file, sectionsOf(this.config))
    return resolveSettings({
      flags: flags ?? (await this.parse(this.ctor)).flags,
      env: process.env,
      file,
      defaults: {
        ...(hasCacheHome() ? { 'cache-dir': this.config.cacheDir } : {}),
        ...(this.ctor as typeof BaseCommand).settingDefaults,
      },
      cwd: workingDirectory(),
      argv: this.argv,
    })
  }
}

/** The keys of the configuration file that plugins claim: `"kiss": {"sections": [...]}` in their package.json. */
function sectionsOf(config: Interfaces.Config): string[] {
  return [...config.plugins.values()].flatMap(({ pjson }) => {
    const { kiss } = pjson as { kiss?: { sections?: unknown } }
    return Array.isArray(kiss?.sections) ? kiss.sections.filter((name) => typeof name === 'string') : []
  })
}
