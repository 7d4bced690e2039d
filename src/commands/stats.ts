import { BaseCommand } from '../cli/base-command.js'
import { flagsFor } from '../cli/settings/flags.js'

export default class Stats extends BaseCommand {
  static override readonly summary = 'show what was downloaded and served'
  static override readonly flags = flagsFor(['cache-dir', 'quota', 'header'])
  async run(): Promise<unknown> {
    const { flags } = await this.parse(Stats)
    return this.settings(flags)
  }
}
