/** Starts the command line: finds the plugins, runs the command, reports its failure. */

import { Config, run as runCommand, settings as oclifSettings } from '@oclif/core'
import type { Interfaces } from '@oclif/core'
import { KissError, systemCode } from '../errors.js'
import { home } from '../home.js'
import { asksForHelp, asksForJson } from './arguments.js'
import { failureJson, failureLine, failureOf } from './failure.js'
import { outputWritten } from './output.js'
import { bundledPlugins, loadPlugins } from './plugins.js'
import { configuredPlugins, forgetSettingsFile, loadSettingsFile } from './settings/load.js'
import { forgetSignals } from './signals.js'
import { writeLines, writeJson } from './terminal.js'
import { LONGEST_TIMER } from '../waits.js'

/** Runs `argv` and ends the process with its exit code, once standard output has been written. */
export async function run(argv: readonly string[]): Promise<void> {
  forgetSettingsFile()
  forgetSignals()
  // Compiled code only: NODE_ENV=test must not make oclif look for TypeScript.
  oclifSettings.enableAutoTranspile = false
  let broken: Error | undefined
  // Registered before the listener of oclif, which would throw the error.
  process.stdout.prependListener('error', (error: Error) => {
    broken = error
  })
  // An unhandled rejection ends here too.
  process.once('uncaughtException', (error) => {
    if (error === broken) report(unwritten(error), false)
    else report(error, asksForJson(argv))
    process.exit()
  })
  // Keeps the process alive while only unreferenced timers are left, such as the pause before the next attempt.
  const awake = setInterval(() => undefined, LONGEST_TIMER)
  try {
    await runCommand([...argv], await loadConfig(argv))
  } catch (error) {
    report(error, asksForJson(argv))
  } finally {
    clearInterval(awake)
  }
  const error = await outputWritten()
  // A reader that left early is no failure; a result that could not be written is one.
  if (error instanceof KissError) report(error, false)
  else if (error instanceof Error && systemCode(error) !== 'EPIPE') report(unwritten(error), false)
  process.exit()
}

function unwritten(cause: Error): KissError {
  return new KissError('disk', `cannot write standard output: ${systemCode(cause) ?? cause.message}`, { cause })
}

async function loadConfig(argv: readonly string[]): Promise<Config> {
  const bundled = bundledPlugins()
  const config = await configOf(bundled)
  try {
    const references = configuredPlugins(await loadSettingsFile(argv, config.configDir))
    if (references.length === 0) return config
    const { registerKissSpecifier } = await import('./kiss-specifier.js')
    registerKissSpecifier()
    return await configOf([...bundled, ...(await loadPlugins(references, bundled))])
  } catch (error) {
    // A broken configuration does not keep the help from being shown.
    if (!(error instanceof KissError) || !asksForHelp(argv)) throw error
    writeLines('stderr', failureLine(error))
    return config
  }
}

const load = Config.load.bind(Config)
/** oclif loads a configuration again for each command, whose oclif may be another one. Here it is the same: a start is shorter. */
Config.load = async (options) => (options instanceof Config ? options : load(options))

async function configOf(plugins: readonly Interfaces.Plugin[]): Promise<Config> {
  const config = new Config({ root: home, plugins: new Map(plugins.map((plugin) => [plugin.name, plugin])) })
  await config.load()
  return config
}

/** Exactly one object on stdout under `--json`, else one line on stderr; the exit code either way. */
function report(error: unknown, json: boolean): void {
  const failure = failureOf(error)
  process.exitCode = failure?.exit ?? 0
  if (failure === undefined) return
  if (json) writeJson({ error: failureJson(failure) })
  else writeLines('stderr', failureLine(failure))
  if (process.env.DEBUG !== undefined && error instanceof Error) writeLines('stderr', error.stack ?? '')
}
