import { Args, BaseCommand, flagsFor } from 'kiss-cache/plugin'
import { edit, editingFlags, serverOf, type EditReport } from '../../editing.js'
import { restore } from '../../rewrite.js'

export default class Restore extends BaseCommand {
  static override readonly summary = 'undo kiss lava rewrite, byte for byte'
  static override readonly description = `Restores the URLs that kiss lava rewrite wrote for this server, including their quotes; all other text stays.

Exit codes: 0 done; 1 something would change (--check); 2 usage, or not YAML: then nothing is written.`
  static override readonly examples = [
    {
      description: 'Print the original',
      command: '<%= config.bin %> lava restore --server http://kiss:8001 rewritten.yaml',
    },
  ]
  static override readonly args = {
    job: Args.string({ description: 'job files; - is standard input', multiple: true, ignoreStdin: true }),
  }
  static override readonly flags = { ...flagsFor(['server', 'output']), ...editingFlags }

  async run(): Promise<EditReport> {
    const { argv, flags } = await this.parse(Restore)
    const {
      server: [server],
      output,
    } = await this.values(flags)
    const base = serverOf(server)
    return edit(this, argv as string[], { ...flags, output }, (job) => restore(job, base))
  }
}
