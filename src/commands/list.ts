import { Args } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { openCache } from '../cli/inspect/cache.js'
import { listLines, sorted } from '../cli/inspect/list.js'
import { entryFilter, named } from '../cli/inspect/purge.js'
import { flagsFor } from '../cli/settings/flags.js'
import { listedEntry, type ListedEntry } from '../server/entries.js'

export default class List extends BaseCommand {
  static override readonly summary = 'list the entries of the cache'
  static override readonly description = `ID distinguishes entries whose URLs differ in a hidden query. kiss list, kiss purge, kiss pin and the pages of a server accept it, or its first 8 or more characters.

FRESH is the remaining time until the entry is stale. A stale entry is validated by the next request.

A note marks entries as pinned (with the remaining time, if the pin ends), private (a client's credential brought the bytes) or unverified (only the end of the connection marked the end of the body). With --json, pinnedUntil is the end of the pin, or null if it has none.`
  static override readonly examples = [
    { description: 'The largest first', command: '<%= config.bin %> list --sort size' },
    { description: 'Kernels, for a script', command: "<%= config.bin %> list --match '**/Image*' --json" },
  ]
  static override readonly args = {
    url: Args.string({ description: 'a URL, or the id of an entry', multiple: true, ignoreStdin: true }),
  }
  static override readonly flags = flagsFor([
    'sort',
    'reverse',
    'stale',
    'older-than',
    'unused-for',
    'match',
    'larger-than',
    'cache-dir',
    'server',
    'server-token-file',
    'ca-file',
  ])

  async run(): Promise<{ readonly entries: readonly ListedEntry[] }> {
    const { argv, flags } = await this.parse(List)
    const values = await this.values(flags)
    const cache = await openCache(this, values)
    try {
      const entries = sorted(
        await cache.entries({ ...named(argv as string[]), ...entryFilter(values) }),
        values.sort,
        values.reverse,
      )
      if (this.jsonEnabled()) return { entries: entries.map(listedEntry) }
      const columns = process.stdout.isTTY ? process.stdout.columns : undefined
      this.log(listLines(entries, Date.now(), columns).join('\n'))
      return { entries }
    } finally {
      await cache.close()
    }
  }
}
