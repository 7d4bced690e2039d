/** What `kiss lava rewrite` and `kiss lava restore` share: jobs in, one outcome each, where it goes, what is said. */
import { displayUrl, Flags, KissError, type BaseCommand } from 'kiss-cache/plugin'
import { isWarning, sentence, type Left } from './diagnostics.js'
import { unifiedDiff } from './diff.js'
import { standard, writeText } from './files.js'
import type { Job } from './parse.js'
import { baseOf, readJobs } from './reading.js'
import type { Change, Outcome } from './rewrite.js'
import { hasCredential, shown } from './urls.js'

const destinations = ['output', 'in-place', 'diff', 'check'] as const

/** Where the result goes, beside `--output`. */
export const editingFlags = {
  'in-place': Flags.boolean({ summary: 'change the files themselves, each at once or not at all' }),
  diff: Flags.boolean({ summary: 'print what would change' }),
  check: Flags.boolean({ summary: 'change nothing; exit 1 if something would change' }),
}

export interface Destination {
  readonly output: string | undefined
  readonly 'in-place': boolean
  readonly diff: boolean
  readonly check: boolean
}

/** One job of `jobs` under `--json`. URLs in their displayable form. */
export interface JobReport {
  readonly file: string
  readonly changed: boolean
  readonly changes: readonly Change[]
  readonly left: readonly {
    readonly line: number
    readonly place: string
    readonly path: string
    readonly reason: string
    readonly warning: boolean
    readonly message: string
  }[]
  /** Where it would otherwise have gone to standard output. */
  readonly text?: string
  readonly diff?: string
}

export interface EditReport {
  readonly jobs: readonly JobReport[]
}

/** The settings' `--server`, which these commands cannot do without. */
export function serverOf(server: URL | undefined): string {
  if (server === undefined) {
    throw new KissError('usage', 'there is no server to send downloads to', {
      hint: 'give --server or set KISS_SERVER',
    })
  }
  return baseOf(server)
}

/**
 * Reads every job before anything is written, so that a broken one stops all. Sets exit code 1 for a `--check` that
 * found something.
 */
export async function edit(
  command: BaseCommand,
  files: readonly string[],
  destination: Destination,
  transform: (job: Job) => Outcome,
): Promise<EditReport> {
  checkUsage(files, destination)
  const jobs = await readJobs(files, command.stop)
  const edits = jobs.map((job, index) => ({ file: files[index] ?? '', job, outcome: transform(job) }))
  for (const { job, outcome } of edits) for (const line of warnings(job, outcome.left)) command.note(line)
  const reports: JobReport[] = []
  for (const one of edits) reports.push(await deliver(command, { ...one, destination }))
  if (destination.check && reports.some(({ changed }) => changed)) process.exitCode = 1
  return { jobs: reports }
}

/** `job.yaml:41: kernel.url has a placeholder {ROOTFS}; left as it is`: what an anchor makes two places of is said once. */
export function warnings(job: Job, left: readonly Left[]): string[] {
  return [...new Set(left.filter(isWarning).map((one) => `${job.name}:${one.line}: ${sentence(one)}`))]
}

function checkUsage(files: readonly string[], destination: Destination): void {
  const chosen = destinations.filter((name) => destination[name] !== undefined && destination[name] !== false)
  if (chosen.length > 1)
    throw new KissError('usage', `${chosen.map((name) => `--${name}`).join(' and ')} do not go together`)
  if (destination['in-place'] && files.includes(standard))
    throw new KissError('usage', 'standard input cannot be changed in place')
  if (files.length > 1 && !destination['in-place'] && !destination.diff && !destination.check)
    throw new KissError('usage', 'several jobs do not fit into one output', {
      hint: 'use --in-place, --diff or --check',
    })
}

interface Edit {
  readonly file: string
  readonly job: Job
  readonly outcome: Outcome
  readonly destination: Destination
}

async function deliver(command: BaseCommand, { file, job, outcome, destination }: Edit): Promise<JobReport> {
  const { text, changes } = outcome
  const changed = text !== job.text
  const json = command.jsonEnabled()
  const report = reportOf(job, outcome)
  if (destination.check) {
    if (changed) command.log(`${job.name}: ${changes.length} to change`)
  } else if (destination.diff) {
    const diff = unifiedDiff(job.name, job.text, text)
    if (json) return { ...report, diff }
    process.stdout.write(diff)
  } else if (destination['in-place']) {
    if (changed) await writeText(file, text)
    command.log(`${job.name}: ${changes.length} changed`)
  } else if (destination.output !== undefined && destination.output !== standard) {
    await writeText(destination.output, text)
  } else {
    if (json) return { ...report, text }
    process.stdout.write(text)
  }
  return report
}

function reportOf(job: Job, { text, changes, left }: Outcome): JobReport {
  return {
    file: job.name,
    changed: text !== job.text,
    changes: changes.map(shownChange),
    left: left.map((one) => {
      const { line, place, path, reason } = one
      return { line, place, path, reason, warning: isWarning(one), message: sentence(one) }
    }),
  }
}

/** A credential in a URL stands, encoded, in the cache's URL for it too. */
function shownChange(change: Change): Change {
  const show = hasCredential(change.from) || hasCredential(change.to) ? displayUrl : shown
  return { ...change, from: show(change.from), to: show(change.to) }
}
