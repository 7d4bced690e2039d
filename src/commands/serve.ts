import { BaseCommand } from '../cli/base-command.js'
import { checkSettings } from '../cli/serve/reload.js'
import { runServe } from '../cli/serve/run-serve.js'
import { flagsFor } from '../cli/settings/flags.js'
import { printedSettings } from '../cli/settings/print.js'

const settingDefaults = { quota: '100GiB' }

export default class Serve extends BaseCommand {
  static override readonly summary = 'serve artifacts over HTTP'
  static override readonly description = `Serves the cache of kiss fetch to HTTP clients: http://HOST:PORT/api/v1/fetch?url=URL.

The first line on standard output is the URL of the server; the log goes to standard error. After SIGTERM or SIGINT, readers may finish within --drain-timeout. SIGHUP reads the configuration file again and applies quota, clients, tokens, upstreams, mirrors, rules, log level and certificate; the log names changed settings that need a restart.

Every flag can also be set in the environment (KISS_PORT=8002) or in the configuration file (port: 8002).`
  static override readonly examples = [
    { description: 'For this machine', command: '<%= config.bin %> serve' },
    {
      description: 'For a lab',
      command: '<%= config.bin %> serve --host 0.0.0.0 --allow-client 10.0.0.0/8 --quota 500GiB',
    },
    { description: 'Show every setting and its source', command: '<%= config.bin %> serve --print-config' },
  ]
  static override readonly enableJsonFlag = false
  static override readonly signals = ['SIGINT', 'SIGTERM'] as const
  static override readonly settingDefaults = settingDefaults
  static override readonly flags = flagsFor(
    [
      'host',
      'port',
      'workers',
      'cache-dir',
      'quota',
      'default-ttl',
      'max-ttl',
      'stale-if-error',
      'auth-ttl',
      'retry-for',
      'stall-timeout',
      'sealed',
      'drain-timeout',
      'log-level',
      'allow-client',
      'trust-proxy',
      'client-token-file',
      'admin-token-file',
      'server-name',
      'x-accel-redirect',
      'tls-cert',
      'tls-key',
      'allow-upstream',
      'deny-upstream',
      'parent',
      'parent-only',
      'parent-token-file',
      'ca-file',
      'max-downloads',
      'max-downloads-per-host',
      'connections-per-download',
      'segment-memory',
      'max-rate',
      'pass-headers',
      'egress-price',
      'cluster',
      'cluster-name',
      'node-url',
      'cluster-token-file',
      'copies',
      'check',
      'print-config',
    ],
    settingDefaults,
  )

  async run(): Promise<void> {
    const { flags } = await this.parse(Serve)
    const settings = await this.settings(flags)
    if (settings.values.check) {
      await checkSettings(this, settings)
      this.log('the settings can be used')
      return
    }
    if (!settings.values['print-config']) return runServe(this, settings.values)
    for (const line of printedSettings(settings)) this.log(line)
  }
}
