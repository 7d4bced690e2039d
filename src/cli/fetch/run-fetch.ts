/** `kiss fetch`, from its settings to its report. */

import { setMaxListeners } from 'node:events'

import type { Engine } from '../../engine/types.js'
import { KissError } from '../../errors.js'
import { basicCredential } from '../../http/netrc.js'
import { formatDuration } from '../../units.js'
import { LONGEST_TIMER, unlessAborted } from '../../waits.js'
import type { BaseCommand } from '../base-command.js'
import { failureLine, type FailureJson } from '../failure.js'
import { openEngine } from '../open-engine.js'
import { giveUpOutput } from '../output.js'
import { noProgress, openProgress, progressLines, silentRow, type ProgressView } from '../progress.js'
import type { SettingValues } from '../settings/table.js'
import { workingDirectory } from '../surroundings.js'
import { writeLines } from '../terminal.js'
import { fetchAll } from './fetch-all.js'
import { headersOf } from './headers.js'
import { reportLine } from './report.js'
import { prepareOutput } from './save.js'
import type { FetchResult, Outcome } from './result.js'
import { targetsOf } from './targets.js'
import { urlsOf } from './urls.js'

/** The document on stdout under `--json`. */
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
  const { output, directory, path, sha256, ttl, refresh, offline, 'remote-header-name': remoteName } = values
  const signal = AbortSignal.any([command.stop, timeLimit(values['max-time'])])
  setMaxListeners(0, signal) // every download waits on it
  const urls = await unlessAborted(urlsOf(args, values.input), signal)
  const targets = targetsOf(urls, { output, directory, path, remoteName, sha256, json, cwd: workingDirectory() })
  const headers = withUser(await unlessAborted(headersOf(values.header), signal), values.user)
  for (const { destination } of targets) {
    if (destination.to === 'file') await prepareOutput(destination.path, directory !== undefined)
  }

  const view = await openView(values, targets.length, json)
  try {
    const engine = await openSource(command, values, { urls: urls.map(({ url }) => url), headers, view })
    try {
      const write = (outcome: Outcome): void => writeOutcome(outcome, values, json)
      const outcomes = await fetchAll({
        engine,
        targets,
        parallel: values.parallel,
        files: { keep: values['no-clobber'], dated: values['output-mtime'] },
        request: {
          headers,
          refresh,
          offline,
          signal,
          ...(ttl === undefined ? {} : { ttl }),
          ...(sha256 === undefined ? {} : { sha256 }),
        },
        progress: view,
        stdout: process.stdout,
        now: () => performance.now(),
        ...(view.visible ? {} : { done: write }),
      })
      view.stop()
      // Beside bars, lines of standard output wait until the bars are gone.
      if (view.visible) for (const outcome of outcomes) write(outcome)
      // The rest of a cancelled artifact is not needed.
      if (signal.aborted && targets.some(({ destination }) => destination.to === 'stdout')) giveUpOutput()
      return report(command, outcomes, signal)
    } finally {
      await engine.close()
    }
  } finally {
    view.stop()
  }
}

/** curl's --user: a Basic credential for the host of each URL. */
function withUser(headers: Readonly<Record<string, string>>, user: string | undefined): Record<string, string> {
  if (user === undefined) return headers
  const [, name, password] = /^([^:]*):([^]*)$/.exec(user) ?? []
  if (name === undefined || password === undefined) {
    throw new KissError('usage', '--user: it is not of the form NAME:PASSWORD')
  }
  if (headers['authorization'] !== undefined) {
    throw new KissError('usage', '--user does not go with an Authorization header')
  }
  return { ...headers, authorization: basicCredential({ name, password }) }
}

interface Sent {
  readonly urls: readonly URL[]
  readonly headers: Readonly<Record<string, string>>
  readonly view: ProgressView
}

/** The local cache or servers; only the modules of one are loaded. */
async function openSource(
  command: BaseCommand,
  values: SettingValues,
  { view, ...sent }: Sent,
): Promise<Pick<Engine, 'fetch' | 'close'>> {
  const local = {
    warn: (line: string) => view.note(`kiss: ${line}`),
    trace: values.verbose ? (lines: string) => view.note(lines) : undefined,
  }
  if (values.server.length === 0) return openEngine(command, local)
  // Options that need a local cache are refused.
  for (const name of ['path', 'offline', 'refresh'] as const) {
    if (values[name]) throw new KissError('usage', `--${name} does not go with --server`)
  }
  const { openServers } = await import('../remote/open.js')
  return openServers(values, sent, {
    local: values['no-fallback'] ? undefined : () => openEngine(command, local),
    note: (line) => view.note(line),
    trace: local.trace,
  })
}

/** Bars on a terminal, lines in a log. Without both, failures are only in the JSON document if there is one. */
async function openView(values: SettingValues, downloads: number, json: boolean): Promise<ProgressView> {
  if (values.quiet || values['no-progress']) return json ? { ...noProgress, add: () => silentRow } : noProgress
  const isTerminal = process.stderr.isTTY && process.env.TERM !== 'dumb'
  return isTerminal ? openProgress(downloads, process.stderr) : progressLines()
}

function writeOutcome({ result }: Outcome, { path, quiet }: SettingValues, json: boolean): void {
  const line = json || (quiet && !path) ? undefined : reportLine(result, path, workingDirectory())
  if (line !== undefined) writeLines('stdout', line)
}

function report(command: BaseCommand, outcomes: readonly Outcome[], signal: AbortSignal): FetchReport {
  const results = outcomes.map(({ result }) => result)
  const failed = outcomes.find(({ error }) => error !== undefined)
  if (failed === undefined) return { results }
  // A cancelled command reports the cancellation, not earlier failures.
  const error = command.failed(signal.aborted ? calledOff(outcomes, signal.reason) : failed.error)
  if (signal.aborted && !command.jsonEnabled()) command.note(failureLine(error))
  return { results, error }
}

/** The first outcome with a reason for the lack of time, otherwise the reason of the signal. */
function calledOff(outcomes: readonly Outcome[], reason: unknown): unknown {
  if (!(reason instanceof KissError)) return reason
  return outcomes.find(({ error }) => error instanceof KissError && error.code === reason.code)?.error ?? reason
}

function timeLimit(ms: number | undefined): AbortSignal {
  const controller = new AbortController()
  if (ms !== undefined) {
    const error = new KissError('out-of-time', `not done within ${formatDuration(ms)}`)
    setTimeout(() => controller.abort(error), Math.min(ms, LONGEST_TIMER)).unref()
  }
  return controller.signal
}
