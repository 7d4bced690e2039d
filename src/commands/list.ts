import { BaseCommand } from '../cli/base-command.js'
import { listedEntry, listLines, sorted, type ListedEntry } from '../cli/inspect/list.js'
import { entryFilter } from '../cli/inspect/purge.js'
import { openEngine } from '../cli/open-engine.js'
import { flagsFor } from '../cli/settings/flags.js'
import { selects } from '../store/select.js'
import type { Entry } from '../store/types.js'

export default class List extends BaseCommand {
  static override readonly summary = 'list what is in the cache'
  static override readonly description = `FRESH says for how long an entry is still fresh; a stale one is validated when it is asked for again.

A note says private where the bytes came with a credential, and unverified where nothing but the end of the connection said that they were whole.`
  static override readonly examples = [
    { description: 'The largest first', command: '<%= config.bin %> list --sort size' },
    { description: 'Kernels, for a script', command: "<%= config.bin %> list --match '**/Image*' --json" },
  ]
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
  ])

  async run(): Promise<{ readonly entries: readonly ListedEntry[] }> {
    const { flags } = await this.parse(List)
    const values = await this.values(flags)
    const engine = await openEngine(this)
    try {
      const filter = entryFilter(values)
      const chosen = selects(Object.keys(filter).length === 0 ? { all: true } : filter, Date.now())
      const entries: Entry[] = []
      for await (const entry of engine.list()) if (chosen(entry)) entries.push(entry)
      const inOrder = sorted(entries, values.sort, values.reverse)
      for (const line of listLines(inOrder, Date.now(), process.stdout.isTTY ? process.stdout.columns : undefined)) {
        this.log(line)
      }
      return { entries: inOrder.map(listedEntry) }
    } finally {
      await engine.close()
    }
  }
}
