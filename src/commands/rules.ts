import { Args } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { explainRules, ruleLines, type ExplainedUrl } from '../cli/inspect/rules.js'
import { flagsFor } from '../cli/settings/flags.js'

export default class RulesOf extends BaseCommand {
  static override readonly summary = 'show the rule and the lifetime of a URL'
  static override readonly description =
    'The first matching entry of rules: in the configuration file decides. Nothing is fetched.'
  static override readonly examples = [
    '<%= config.bin %> rules https://storage.example.com/builds/1/Image.gz',
    {
      description: 'With the ttl of a client',
      command: '<%= config.bin %> rules --ttl 30d https://storage.example.com/latest/Image.gz',
    },
  ]
  static override readonly args = {
    url: Args.string({ description: 'URL to look up', multiple: true, required: true, ignoreStdin: true }),
  }
  static override readonly flags = flagsFor(['ttl', 'default-ttl', 'max-ttl', 'stale-if-error'])

  async run(): Promise<{ readonly rules: readonly ExplainedUrl[] }> {
    const { args, flags } = await this.parse(RulesOf)
    const settings = await this.settings(flags)
    const rules = await explainRules(this, [args.url].flat(), settings)
    for (const explained of rules) for (const line of ruleLines(explained)) this.log(line)
    return { rules }
  }
}
