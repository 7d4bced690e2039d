/** `kiss plugin new`: writes the skeleton of a plugin. */

import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.js'

interface Written {
  readonly folder: string
  readonly files: string[]
}

export default class PluginNew extends BaseCommand {
  static override readonly summary = 'write the skeleton of a plugin: a provider, a command, a contract test, a package'
  static override readonly description = 'docs/plugins.md explains the files. Nothing is installed.'
  static override readonly examples = ['<%= config.bin %> plugin new lab']
  static override readonly args = {
    name: Args.string({ description: 'scheme of the URLs and name of the command, such as lab', required: true }),
  }
  static override readonly flags = {
    directory: Flags.string({ char: 'd', summary: 'folder to write; default kiss-NAME', helpValue: 'DIR' }),
  }

  async run(): Promise<Written> {
    const { args, flags } = await this.parse(PluginNew)
    const { writeSkeleton } = await import('../../cli/plugin/skeleton.js')
    const taken = [...this.config.commandIDs, ...this.config.topics.map(({ name }) => name)]
    const written = await writeSkeleton(args.name, { folder: flags.directory, taken, version: this.config.version })
    for (const file of written.files) this.log(`${written.folder}/${file}`)
    this.note(`next: cd ${written.folder} && npm install && npm test`)
    return written
  }
}
