import { Args } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { choices, each, pinLine, type PinReport } from '../cli/inspect/pin.js'
import { openEngine } from '../cli/open-engine.js'
import { flagsFor } from '../cli/settings/flags.js'

export default class Pin extends BaseCommand {
  static override readonly summary = 'protect entries from the quota and from filters'
  static override readonly description = `A pinned entry counts for the quota and is never evicted; kiss purge removes it only by URL or id. A second pin replaces the first. --job JOB.yaml pins the downloads of a LAVA job. If the origin answers 404 or 410 to a validation, the entry and its pin are removed.`
  static override readonly examples = [
    {
      description: 'Keep a file for a month',
      command:
        '<%= config.bin %> fetch https://cdn.kernel.org/pub/linux/kernel/v6.x/patch-6.12.1.xz && <%= config.bin %> pin --until 30d https://cdn.kernel.org/pub/linux/kernel/v6.x/patch-6.12.1.xz',
    },
  ]
  static override readonly args = {
    url: Args.string({ description: 'a URL, or the id of an entry', multiple: true, ignoreStdin: true }),
  }
  static override readonly flags = flagsFor(['job', 'until', 'cache-dir'])

  async run(): Promise<PinReport> {
    const { argv, flags } = await this.parse(Pin)
    const values = await this.values(flags)
    const chosen = await choices(this, argv as string[], values)
    const engine = await openEngine(this)
    try {
      const until = values.until === undefined ? undefined : Date.now() + values.until
      const report = await each(this, chosen, (filter) => engine.pin(filter, until), 'fetch it first')
      this.log(pinLine('pinned', report.entries, values.until))
      return report
    } finally {
      await engine.close()
    }
  }
}
