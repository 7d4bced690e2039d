import { BaseCommand } from '../cli/base-command.js'
import { openCache } from '../cli/inspect/cache.js'
import { runStats } from '../cli/inspect/run-stats.js'
import type { StatusDocument } from '../cli/inspect/stats.js'
import { flagsFor } from '../cli/settings/flags.js'

export default class Stats extends BaseCommand {
  static override readonly summary = 'show the bytes downloaded, served and saved'
  static override readonly description = 'The totals of all processes on this cache directory, since it was created.'
  static override readonly examples = [
    '<%= config.bin %> stats',
    { description: 'With the money saved', command: '<%= config.bin %> stats --egress-price "0.09 USD"' },
    { description: 'For a script', command: '<%= config.bin %> stats --json' },
  ]
  static override readonly flags = flagsFor([
    'watch',
    'egress-price',
    'cache-dir',
    'server',
    'server-token-file',
    'ca-file',
  ])

  async run(): Promise<StatusDocument> {
    const { flags } = await this.parse(Stats)
    const values = await this.values(flags)
    const cache = await openCache(this, values)
    try {
      return await runStats(this, cache, values)
    } finally {
      await cache.close()
    }
  }
}
