import { Args } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { choices, each, pinLine, type PinReport } from '../cli/inspect/pin.js'
import { openEngine } from '../cli/open-engine.js'
import { flagsFor } from '../cli/settings/flags.js'

export default class Pin extends BaseCommand {
  static override readonly summary = 'keep entries: neither the quota nor a filter removes them'
  static override readonly description = `What is pinned counts for the quota and is never evicted for it; kiss purge removes it by URL or id alone. Pinning again sets another time. An entry that the origin no longer has goes, and its pin with it.`
  static override readonly examples = [
    {
      description: 'Keep a release for a month',
      command: '<%= config.bin %> pin --until 30d https://storage.example.com/release/1/Image.gz',
    },
    { description: 'Keep what a LAVA job downloads', command: '<%= config.bin %> pin --job job.yaml' },
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
      const report = await each(this, chosen, (filter) => engine.pin(filter, until))
      this.log(pinLine('pinned', report.entries, values.until))
      return report
    } finally {
      await engine.close()
    }
  }
}
