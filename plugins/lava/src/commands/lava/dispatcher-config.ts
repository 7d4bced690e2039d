import { BaseCommand, Flags, flagsFor } from 'kiss-cache/plugin'
import { dispatcherConfig, dispatcherYaml, type DispatcherConfig } from '../../dispatcher.js'
import { serverOf } from '../../editing.js'
import { ttlText } from '../../ttl.js'

export default class DispatcherConfigCommand extends BaseCommand {
  static override readonly summary = 'print the settings with which a LAVA dispatcher uses a kiss server'
  static override readonly description = `For labs that use LAVA's own mechanism instead of rewritten jobs. The settings work together with rewritten jobs.`
  static override readonly examples = [
    {
      description: 'For the dispatcher.yaml of a worker',
      command: '<%= config.bin %> lava dispatcher-config --server http://kiss:8001',
    },
  ]
  static override readonly flags = {
    ...flagsFor(['server', 'ttl']),
    fallback: Flags.boolean({
      summary: 'let the dispatcher ask the origin if the server fails (default yes)',
      allowNo: true,
      default: true,
    }),
    exclude: Flags.string({
      summary: 'never use the server for URLs that match this Python regular expression',
      helpValue: 'RE',
      multiple: true,
      multipleNonGreedy: true,
    }),
  }

  async run(): Promise<DispatcherConfig> {
    const { flags } = await this.parse(DispatcherConfigCommand)
    const {
      server: [server],
      ttl,
    } = await this.values(flags)
    const config = dispatcherConfig(serverOf(server), {
      fallback: flags.fallback,
      ...(flags.exclude === undefined ? {} : { exclude: flags.exclude }),
      ...(ttl === undefined ? {} : { ttl: ttlText(ttl) }),
    })
    if (!this.jsonEnabled()) process.stdout.write(dispatcherYaml(config))
    return config
  }
}
