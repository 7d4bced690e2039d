import { setTimeout as sleep } from 'node:timers/promises'
import {
  Args,
  BaseCommand,
  failureLine,
  flagsFor,
  formatDuration,
  formatSize,
  KissError,
  noProgress,
  openEngine,
  openProgress,
  type FailureJson,
} from 'kiss-cache/plugin'
import {
  groupsOf,
  prefetch,
  summaryOf,
  type PrefetchOutcome,
  type PrefetchResult,
  type Summary,
} from '../../prefetch.js'
import { readDownloads } from '../../reading.js'
import { openSource } from '../../source.js'

interface PrefetchReport extends Summary {
  readonly results: readonly PrefetchResult[]
  /** The first failure, in the order of the jobs. */
  readonly error?: FailureJson
}

export default class Prefetch extends BaseCommand {
  static override readonly summary = 'fetch the downloads of LAVA jobs into the cache'
  static override readonly description = `Fetches all http and https downloads of the jobs into the cache of the server, or into the local one, and checks their sha256sum, sha512sum and md5sum. The jobs may have been rewritten for that server already.

A status is hit (from the cache), miss (downloaded), collapsed (joined a download in flight), revalidated (confirmed by the origin) or stale (the origin is down).

Exit codes: 0 every download is in the cache; 2 usage, or not YAML; 3 refused by the origin; 4 the origin or the server cannot be reached; 5 the content has another sum; 6 disk or quota; 7 a credential could not be obtained.`
  static override readonly examples = [
    {
      description: 'Submit a job only if all of its downloads succeeded',
      command: '<%= config.bin %> lava prefetch --server http://kiss:8001 job.yaml && lavacli jobs submit job.yaml',
    },
  ]
  static override readonly args = {
    job: Args.string({ description: 'job files; - is standard input', multiple: true, ignoreStdin: true }),
  }
  static override readonly settingDefaults = { parallel: '8' }
  static override readonly flags = {
    ...flagsFor(
      [
        'server',
        'server-token-file',
        'ca-file',
        'ttl',
        'parallel',
        'retry-for',
        'no-progress',
        'pin',
        'until',
        'cache-dir',
        'quota',
      ],
      this.settingDefaults,
    ),
  }

  async run(): Promise<PrefetchReport> {
    const { argv, flags } = await this.parse(Prefetch)
    const values = await this.values(flags)
    if (values.pin && values.server.length > 0) {
      throw new KissError('usage', '--pin is for the local cache', { hint: "a server's page of an entry pins it" })
    }
    const downloads = await readDownloads(argv as string[], values.server[0], (line) => this.note(line), this.stop)
    const engine = values.server.length === 0 ? await openEngine(this) : undefined
    const source = engine ?? (await openSource(this, values, downloads))
    const bars = process.stderr.isTTY && !values['no-progress'] && process.env.TERM !== 'dumb'
    const progress = bars ? await openProgress(groupsOf(downloads).length, process.stderr) : noProgress
    const show = (outcome: PrefetchOutcome): void => this.show(outcome)
    try {
      const outcomes = await prefetch({
        source,
        downloads,
        parallel: values.parallel,
        ttl: values.ttl,
        signal: this.stop,
        progress,
        // The engine has its own patience with origins.
        retryFor: values.server.length === 0 ? 0 : values['retry-for'],
        now: () => performance.now(),
        sleep: (ms, signal) => sleep(ms, undefined, { signal }),
        done: bars ? () => undefined : show,
      }).finally(() => progress.stop())
      if (bars) outcomes.forEach(show)
      if (values.pin)
        await engine?.pin({ urls: downloads.flatMap(({ origin }) => origin ?? []) }, untilOf(values.until))
      return this.report(outcomes)
    } finally {
      await source.close()
    }
  }

  private show({ result, error }: PrefetchOutcome): void {
    const { places, status, size, seconds } = result
    const where = places.map(({ file, line, place }) => `${file}:${line}: ${place}`).join(', ')
    if (result.error !== undefined) {
      if (error !== this.stop.reason) this.note(`${where}: ${failureLine(result.error).replace(/^kiss: /, '')}`)
      return
    }
    const time = formatDuration(seconds * 1000)
    this.log(`${(status ?? '').padEnd(11)} ${formatSize(size ?? 0).padStart(9)} ${time.padStart(6)}  ${where}`)
  }

  private report(outcomes: readonly PrefetchOutcome[]): PrefetchReport {
    const summary = summaryOf(outcomes)
    const { hits, misses, failed, bytes } = summary
    const failures = failed === 0 ? '' : `, ${failed} failed`
    const artifacts = counted(outcomes.length, 'artifact', 'artifacts')
    const found = `${counted(hits, 'hit', 'hits')}, ${counted(misses, 'miss', 'misses')}`
    this.log(`${artifacts}, ${formatSize(bytes)}: ${found}${failures}`)
    const results = outcomes.map(({ result }) => result)
    const failure = outcomes.find(({ error }) => error !== undefined)
    if (failure === undefined) return { results, ...summary }
    return { results, ...summary, error: this.failed(this.stop.aborted ? this.stop.reason : failure.error) }
  }
}

/** @param span milliseconds */
function untilOf(span: number | undefined): number | undefined {
  return span === undefined ? undefined : Date.now() + span
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}
