import { Args } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { openCache } from '../cli/inspect/cache.js'
import { purgeFilter, purgeLine, runPurge, setQuota } from '../cli/inspect/purge.js'
import { listLines, sorted } from '../cli/inspect/list.js'
import { flagsFor } from '../cli/settings/flags.js'
import type { PurgeResult } from '../engine/types.js'

export default class Purge extends BaseCommand {
  static override readonly summary = 'remove entries from the cache'
  static override readonly description = `Selects entries by URL, by id, or by filters, which all must match; filters skip pinned entries. Readers of a removed entry finish. --dry-run lists the entries without removing them. A body that other entries share is not freed, so the freed bytes may be less than the sum of the sizes.

It asks for confirmation on a terminal, and needs --yes otherwise.

--set-quota limits the directory for every later command and evicts the least recently used entries at once. kiss serve sets the quota at its start.`
  static override readonly examples = [
    {
      description: 'Show the entries without a use for a week',
      command: '<%= config.bin %> purge --unused-for 7d --dry-run',
    },
    {
      description: 'Remove every kernel of one server',
      command: "<%= config.bin %> purge --match 'https://storage.example.com/**/Image*' --yes",
    },
    {
      description: 'Limit the cache of a laptop to 20 GiB',
      command: '<%= config.bin %> purge --set-quota 20GiB',
    },
    { description: 'Remove everything', command: '<%= config.bin %> purge --all --yes' },
  ]
  static override readonly args = {
    url: Args.string({
      description: 'a URL, or the id of an entry',
      multiple: true,
      ignoreStdin: true,
    }),
  }
  static override readonly flags = flagsFor([
    'all',
    'stale',
    'older-than',
    'unused-for',
    'match',
    'larger-than',
    'set-quota',
    'dry-run',
    'yes',
    'cache-dir',
    'server',
    'server-token-file',
    'ca-file',
  ])

  async run(): Promise<PurgeResult> {
    const { argv, flags } = await this.parse(Purge)
    const values = await this.values(flags)
    const quota = values['set-quota']
    if (quota !== undefined) return setQuota(this, argv as string[], values, quota)
    const filter = purgeFilter(argv as string[], values)
    const cache = await openCache(this, values)
    try {
      const isNamed = filter.urls !== undefined || filter.ids !== undefined
      const meant = this.jsonEnabled() ? [] : await cache.entries(filter)
      const chosen = meant.filter(({ pinnedUntil }) => isNamed || pinnedUntil === undefined)
      const pinned = meant.length - chosen.length
      const { declined, ...result } = await runPurge(this, filter, values.yes, (filter) => cache.purge(filter))
      if (result.dryRun && chosen.length > 0 && !this.jsonEnabled()) {
        const columns = process.stdout.isTTY ? process.stdout.columns : undefined
        this.log(
          listLines(sorted(chosen, 'url', false), Date.now(), columns)
            .slice(0, -1)
            .join('\n'),
        )
      }
      this.log(declined === true ? 'nothing was removed' : purgeLine(result, chosen))
      for (const node of result.unreached ?? []) this.note(`${node} did not answer; it applies the purge later`)
      if (pinned > 0) this.log(`${pinned} pinned ${pinned === 1 ? 'entry stays' : 'entries stay'}`)
      return result
    } finally {
      await cache.close()
    }
  }
}
