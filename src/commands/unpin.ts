import { Args } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { choices, each, pinLine, type PinReport } from '../cli/inspect/pin.js'
import { openEngine } from '../cli/open-engine.js'
import { flagsFor } from '../cli/settings/flags.js'

export default class Unpin extends BaseCommand {
  static override readonly summary = 'let the quota and filters remove entries again'
  static override readonly description = 'The entries stay until the quota or a purge removes them.'
  static override readonly examples = [
    '<%= config.bin %> fetch https://cdn.kernel.org/pub/linux/kernel/v6.x/patch-6.12.1.xz && <%= config.bin %> pin https://cdn.kernel.org/pub/linux/kernel/v6.x/patch-6.12.1.xz && <%= config.bin %> unpin https://cdn.kernel.org/pub/linux/kernel/v6.x/patch-6.12.1.xz',
  ]
  static override readonly args = {
    url: Args.string({ description: 'a URL, or the id of an entry', multiple: true, ignoreStdin: true }),
  }
  static override readonly flags = flagsFor(['job', 'cache-dir'])

  async run(): Promise<PinReport> {
    const { argv, flags } = await this.parse(Unpin)
    const chosen = await choices(this, argv as string[], await this.values(flags))
    const engine = await openEngine(this)
    try {
      const report = await each(this, chosen, (filter) => engine.unpin(filter))
      this.log(pinLine('unpinned', report.entries))
      return report
    } finally {
      await engine.close()
    }
  }
}
