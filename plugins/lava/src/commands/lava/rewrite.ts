import { Args, BaseCommand, Flags, flagsFor } from 'kiss-cache/plugin'
import { edit, editingFlags, serverOf, type EditReport } from '../../editing.js'
import { patterns } from '../../patterns.js'
import { rewrite } from '../../rewrite.js'
import { ttlText } from '../../ttl.js'

export default class Rewrite extends BaseCommand {
  static override readonly summary = 'rewrite the URLs of a LAVA job to a kiss server'
  static override readonly description = `Every URL that LAVA's dispatcher would fetch over http or https becomes SERVER/api/v1/fetch/<file name>?url=…; no other byte changes. URLs that cannot be rewritten are reported on standard error. kiss lava restore undoes a rewrite.

Where the dispatcher sets http_url_format_string itself, a rewritten URL would pass the cache twice: give it the http_cache_exclude_rules of kiss lava dispatcher-config.

Exit codes: 0 done; 1 something would change (--check); 2 usage, or not YAML: then nothing is written.`
  static override readonly examples = [
    {
      description: 'Print the rewritten job',
      command: '<%= config.bin %> lava rewrite --server http://kiss:8001 job.yaml',
    },
    {
      description: 'Submit it',
      command: '<%= config.bin %> lava rewrite --server http://kiss:8001 - < job.yaml | lavacli jobs submit -',
    },
    {
      description: 'Rewrite several jobs, except URLs of the lab itself',
      command: "<%= config.bin %> lava rewrite --server http://kiss:8001 --exclude '//files\\.lab/' --in-place *.yaml",
    },
  ]
  static override readonly args = {
    job: Args.string({ description: 'job files; - is standard input', multiple: true, ignoreStdin: true }),
  }
  static override readonly flags = {
    ...flagsFor(['server', 'output', 'ttl']),
    ...editingFlags,
    include: Flags.string({
      summary: 'rewrite only URLs that match this regular expression',
      helpValue: 'RE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    exclude: Flags.string({
      summary: 'leave URLs that match this regular expression',
      helpValue: 'RE',
      multiple: true,
      multipleNonGreedy: true,
    }),
  }

  async run(): Promise<EditReport> {
    const { argv, flags } = await this.parse(Rewrite)
    const {
      server: [server],
      ttl,
      output,
    } = await this.values(flags)
    const options = {
      server: serverOf(server),
      include: patterns('--include', flags.include),
      exclude: patterns('--exclude', flags.exclude),
      ...(ttl === undefined ? {} : { ttl: ttlText(ttl) }),
    }
    return edit(this, argv as string[], { ...flags, output }, (job) => rewrite(job, options))
  }
}
