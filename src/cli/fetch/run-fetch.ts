/** `kiss fetch`, from its settings to its report. */

import { setMaxListeners } from 'node:events'

import type { Engine } from '../../engine/types.js'
import { KissError } from '../../errors.js'
import { formatDuration } from '../../units.js'
import type { BaseCommand } from '../base-command.js'
import { failureLine, type FailureJson } from '../failure.js'
import { openEngine } from '../open-engine.js'
import { giveUpOutput } from '../output.js'
import { noProgress, openProgress } from '../progress.js'
import type { SettingValues } from '../settings/table.js'
import { workingDirectory } from '../surroundings.js'
import { writeLines } from '../terminal.js'
import { fetchAll, type FetchAllOptions, type FetchResult, type Outcome } from './fetch-all.js'
import { headersOf } from './headers.js'
import { reportLine } from './report.js'
import { prepareOutput } from './save.js'
import { targetsOf } from './targets.js'
import { urlsOf } from './urls.js'

/** What stands on stdout under `--json`. */
export interface FetchReport {
  readonly results: readonly FetchResult[]
  /** The first failure, in the order of the arguments. */
  readonly error?: FailureJson
}

export async function runFetch(
  command: BaseCommand,
  args: readonly string[],
  values: SettingValues,
): Promise<FetchReport> {
  const json = command.jsonEnabled()
  const { output, directory, path, sha256, ttl, refresh, offline } = values
  const limit = timeLimit(values['max-time'])
  const urls = await urlsOf(args, values.input)
  const targets = targetsOf(urls, { output, directory, path, sha256, json, cwd: workingDirectory() })
  const headers = await headersOf(values.header)
  for (const { destination } of targets) {
    if (destination.to === 'file') await prepareOutput(destination.path, directory !== undefined)
  }

  const signal = AbortSignal.any([command.stop, limit])
  setMaxListeners(0, signal) // every download waits on it
  const engine = await openSource(command, values, urls, headers)
  try {
    const outcomes = await showing(values, json, {
      engine,
      targets,
      parallel: values.parallel,
      request: {
        headers,
        refresh,
        offline,
        signal,
        ...(ttl === undefined ? {} : { ttl }),
        ...(sha256 === undefined ? {} : { sha256 }),
      },
      stdout: process.stdout,
      warn: (line) => command.note(`kiss: ${line}`),
      now: () => performance.now(),
    })
    // The rest of an artifact that was called off is of no use to anybody.
    if (signal.aborted && targets.some(({ destination }) => destination.to === 'stdout')) giveUpOutput()
    return report(command, outcomes, signal)
  } finally {
    await engine.close()
  }
}

/** The local cache, or a server; what is not used is not loaded. */
async function openSource(
  command: BaseCommand,
  values: SettingValues,
  urls: readonly URL[],
  headers: Readonly<Record<string, string>>,
): Promise<Pick<Engine, 'fetch' | 'close'>> {
  if (values.server === undefined) return openEngine(command)
  const { openRemoteFetcher } = await import('../remote/open.js')
  return openRemoteFetcher(command, values.server, values, { urls, headers })
}

/** With bars, lines for stdout wait until the bars are gone; without, each comes as soon as it is known. */
async function showing(
  values: SettingValues,
  json: boolean,
  options: Omit<FetchAllOptions, 'progress' | 'done'>,
): Promise<Outcome[]> {
  const bars = process.stderr.isTTY && !values['no-progress'] && !values.quiet && process.env.TERM !== 'dumb'
  const progress = bars ? await openProgress(options.targets.length, process.stderr) : noProgress
  const show = ({ result }: Outcome, to?: 'stdout'): void => {
    const line = json ? undefined : reportLine(result, values.path, workingDirectory())
    const isHidden = values.quiet && !values.path && result.error === undefined
    if (line !== undefined && !isHidden && (to === undefined || to === line.to)) writeLines(line.to, line.text)
  }
  let outcomes
  try {
    outcomes = await fetchAll({ ...options, progress, ...(bars ? {} : { done: show }) })
  } finally {
    progress.stop()
  }
  if (bars) for (const outcome of outcomes) show(outcome, 'stdout')
  return outcomes
}

function report(command: BaseCommand, outcomes: readonly Outcome[], signal: AbortSignal): FetchReport {
  const results = outcomes.map(({ result }) => result)
  const failed = outcomes.find(({ error }) => error !== undefined)
  if (failed === undefined) return { results }
  // One that was called off says so, whatever failed before.
  const error = command.failed(signal.aborted ? calledOff(outcomes, signal.reason) : failed.error)
  if (signal.aborted && !command.jsonEnabled()) command.note(failureLine(error))
  return { results, error }
}

/** The first outcome that says why there was not enough time, else the reason itself. */
function calledOff(outcomes: readonly Outcome[], reason: unknown): unknown {
  if (!(reason instanceof KissError)) return reason
  return outcomes.find(({ error }) => error instanceof KissError && error.code === reason.code)?.error ?? reason
}

function timeLimit(ms: number | undefined): AbortSignal {
  const controller = new AbortController()
  if (ms !== undefined) {
    const error = new KissError('out-of-time', `not done within ${formatDuration(ms)}`)
    setTimeout(() => controller.abort(error), ms).unref()
  }
  return controller.signal
}
