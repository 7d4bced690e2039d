import path from 'node:path'
import { Args } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.js'
import { sizesOf } from '../../cli/inspect/list.js'
import { openEngine } from '../../cli/open-engine.js'
import { flagsFor } from '../../cli/settings/flags.js'
import { listedEntry, type ListedEntry } from '../../server/entries.js'

export default class BundleLoad extends BaseCommand {
  static override readonly summary = 'load a bundle into the cache'
  static override readonly description = `Every sum is checked. A file that is no bundle, is cut, or has a wrong sum is refused, and nothing of it is stored. A present entry that was confirmed later stays. A running server serves the loaded entries at once.`
  static override readonly examples = [
    '<%= config.bin %> fetch https://cdn.kernel.org/pub/linux/kernel/v6.x/patch-6.12.1.xz && <%= config.bin %> bundle create patches.tar && <%= config.bin %> bundle load patches.tar --cache-dir ./inside',
  ]
  static override readonly args = {
    file: Args.string({ description: 'the tar to read; - is standard input', required: true, ignoreStdin: true }),
  }
  static override readonly flags = flagsFor(['cache-dir'])

  async run(): Promise<{ readonly entries: readonly ListedEntry[]; readonly stored: number }> {
    const { args, flags } = await this.parse(BundleLoad)
    await this.settings(flags)
    const engine = await openEngine(this)
    try {
      const { loadBundle } = await import('../../cli/bundle/load.js')
      const file = args.file === '-' ? args.file : path.resolve(args.file)
      const { entries, stored } = await loadBundle(engine, file, { signal: this.stop, now: Date.now() })
      const listed = entries.map(listedEntry)
      const said = `${listed.length} ${listed.length === 1 ? 'entry' : 'entries'}, ${sizesOf(listed)}`
      const known = listed.length - stored
      this.log(known > 0 ? `${said}; ${known} ${known === 1 ? 'was' : 'were'} here already` : said)
      return { entries: listed, stored }
    } finally {
      await engine.close()
    }
  }
}
