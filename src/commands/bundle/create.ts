import path from 'node:path'
import { Args } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.js'
import { isStandardOutput } from '../../cli/fetch/targets.js'
import { entryFilter, named } from '../../cli/inspect/purge.js'
import { sizesOf } from '../../cli/inspect/list.js'
import { jobUrls } from '../../cli/job-urls.js'
import { openEngine } from '../../cli/open-engine.js'
import { flagsFor } from '../../cli/settings/flags.js'
import type { ShownEntry } from '../../engine/types.js'
import { KissError } from '../../errors.js'
import { displayUrl } from '../../http/urls.js'
import { listedEntry, type ListedEntry } from '../../server/entries.js'
import { isName } from '../../store/names.js'

export default class BundleCreate extends BaseCommand {
  static override readonly summary = 'write entries with their bodies into one file, for a cache without internet'
  static override readonly description = `The file is a tar with a manifest and the bodies, which kiss bundle load reads. Without URLs and filters it contains every entry. Private entries are left out, because no right to them can be proved without an origin.`
  static override readonly examples = [
    {
      description: 'Everything of one server',
      command:
        "<%= config.bin %> fetch https://cdn.kernel.org/pub/linux/kernel/v6.x/patch-6.12.1.xz && <%= config.bin %> bundle create patches.tar --match 'https://cdn.kernel.org/**'",
    },
    {
      description: 'Through a pipe, for example over ssh',
      command:
        '<%= config.bin %> fetch https://cdn.kernel.org/pub/linux/kernel/v6.x/patch-6.12.1.xz && <%= config.bin %> bundle create - | <%= config.bin %> bundle load - --cache-dir ./inside',
    },
  ]
  static override readonly args = {
    file: Args.string({ description: 'the tar to write; - is standard output', required: true, ignoreStdin: true }),
    url: Args.string({ description: 'URLs, or ids of entries', multiple: true, ignoreStdin: true }),
  }
  static override readonly flags = flagsFor([
    'job',
    'match',
    'stale',
    'older-than',
    'unused-for',
    'larger-than',
    'cache-dir',
  ])

  async run(): Promise<{ readonly entries: readonly ListedEntry[]; readonly left: number }> {
    const { argv, flags } = await this.parse(BundleCreate)
    const values = await this.values(flags)
    const [given = '', ...args] = argv as string[]
    const file = isStandardOutput(given) ? '-' : given
    if (this.jsonEnabled() && file === '-')
      throw new KissError('usage', '--json and the bundle cannot both have standard output')
    const chosen = named(args)
    const urls = [...(chosen.urls ?? []), ...(await jobUrls(this.config, values.job))]
    const filter = { ...chosen, ...(urls.length > 0 && { urls }), ...entryFilter(values) }
    const engine = await openEngine(this)
    try {
      const found: ShownEntry[] = []
      for await (const entry of engine.select({ ...filter, names: true })) found.push(entry)
      for (const url of urls)
        // Without names: a name whose content is gone carries nothing.
        if (await isEmpty(engine.select({ urls: [url] })))
          throw new KissError('offline', `${displayUrl(url)} is not in the cache`, { hint: 'fetch it first' })
      const carried = found.filter(({ access, private: isPrivate }) => access === 'public' && !isPrivate)
      const entries = carried.filter((entry) => !isName(entry))
      const left = found.filter((entry) => !isName(entry)).length - entries.length
      if (entries.length === 0)
        throw new KissError('usage', 'there is nothing to carry', { hint: 'kiss list shows what is here' })
      const { createBundle } = await import('../../cli/bundle/create.js')
      await createBundle(engine, carried, file === '-' ? file : path.resolve(file), this.stop)
      const said = `${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}, ${sizesOf(entries)}`
      if (left > 0) this.note(`kiss: ${left} left out, which came with a credential`)
      if (file === '-') this.note(said)
      else this.log(said)
      return { entries: entries.map(listedEntry), left }
    } finally {
      await engine.close()
    }
  }
}

async function isEmpty(entries: AsyncIterable<unknown>): Promise<boolean> {
  for await (const entry of entries) return entry === undefined
  return true
}
