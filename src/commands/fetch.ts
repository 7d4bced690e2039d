import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { runFetch, type FetchReport } from '../cli/fetch/run-fetch.js'
import { flagsFor } from '../cli/settings/flags.js'

/** Shorter than for a server, because a user waits. */
const settingDefaults = { 'retry-for': '1m' }

const unneeded = (char: 'L' | 'O' | 'S' | 'f' | 's', name: string) =>
  Flags.boolean({ char, hidden: true, summary: `${name}: the default of kiss fetch` })

/** Flags of curl that kiss accepts without effect, because their behaviour is the default. */
const usual = {
  location: unneeded('L', 'follow redirects'),
  'remote-name': unneeded('O', 'save under the name of the file'),
  'show-error': unneeded('S', 'show errors'),
  fail: unneeded('f', 'fail on errors of the origin'),
  silent: unneeded('s', 'show no progress'),
  'continue-at': Flags.string({ char: 'C', hidden: true, summary: 'continue a download', options: ['-'] }),
}

export default class Fetch extends BaseCommand {
  static override readonly summary = 'fetch artifacts through the cache and save them here'
  static override readonly description = `Downloads each URL once for all processes on this cache directory, and stores it. The file appears when it is complete.

A line of --input is a URL, optionally followed by a tab and a file name. -L, -O, -C -, -f and -S of curl are accepted, since they describe the default; -s hides the progress.

On a terminal there are progress bars. Otherwise a line on standard error marks the start and the end of each file, the first failed attempt, and every 30 s of a wait. --quiet shows errors only.

A status is hit (from the cache), miss (downloaded), collapsed (joined a download in flight), revalidated (confirmed by the origin) or stale (the origin is down).

Exit codes: 0 success; 2 usage or configuration; 3 refused by the origin; 4 the origin cannot be reached; 5 the content has another checksum or length, or changed; 6 disk or quota; 7 a credential could not be obtained.`
  static override readonly examples = [
    {
      description: 'Save a file under its own name',
      command: '<%= config.bin %> fetch https://cdn.kernel.org/pub/linux/kernel/v6.x/patch-6.12.1.xz',
    },
    {
      description: 'Unpack a file while it arrives',
      command:
        '<%= config.bin %> fetch -o - https://cdn.kernel.org/pub/linux/kernel/v6.x/patch-6.12.1.xz | xz -d | head',
    },
    {
      description: 'Save every URL of a list in a directory, eight at a time',
      command:
        'echo https://cdn.kernel.org/pub/linux/kernel/v6.x/patch-6.12.1.xz | <%= config.bin %> fetch -i - -d patches --parallel 8',
    },
    {
      description: 'Print the path in the cache without a copy',
      command: '<%= config.bin %> fetch --path https://cdn.kernel.org/pub/linux/kernel/v6.x/patch-6.12.1.xz',
    },
  ]
  static override readonly args = {
    url: Args.string({ description: 'URL to fetch', multiple: true, ignoreStdin: true }),
  }
  static override readonly settingDefaults = settingDefaults
  static override readonly flags = {
    ...usual,
    ...flagsFor(
      [
        'output',
        'directory',
        'path',
        'ttl',
        'refresh',
        'offline',
        'header',
        'user',
        'netrc',
        'sha256',
        'input',
        'remote-header-name',
        'no-clobber',
        'output-mtime',
        'parallel',
        'max-time',
        'retry-for',
        'stall-timeout',
        'connections-per-download',
        'segment-memory',
        'max-rate',
        'quota',
        'verbose',
        'quiet',
        'no-progress',
        'cache-dir',
        'server',
        'parent',
        'parent-only',
        'parent-token-file',
        'no-fallback',
        'server-token-file',
        'ca-file',
      ],
      settingDefaults,
    ),
  }

  async run(): Promise<FetchReport> {
    const { argv, flags } = await this.parse(Fetch)
    const values = await this.values(flags)
    // curl's -s hides the progress alone.
    const quiet = flags['silent'] ? { 'no-progress': true } : {}
    return runFetch(this, argv as string[], { ...values, ...quiet })
  }
}
