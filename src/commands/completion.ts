import { Args } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { bashScript } from '../cli/completion/bash.js'
import { fishScript } from '../cli/completion/fish.js'
import { completedCommands } from '../cli/completion/model.js'
import { zshScript } from '../cli/completion/zsh.js'
import { KissError } from '../errors.js'

const scripts = { bash: bashScript, fish: fishScript, zsh: zshScript }

function isShell(name: string): name is keyof typeof scripts {
  return name in scripts
}

export default class Completion extends BaseCommand {
  static override readonly summary = 'print the completion script of a shell'
  static override readonly description =
    'It completes commands, flags and their values, also those of plugins. Print it again after an update.'
  static override readonly examples = [
    { description: 'For bash, in ~/.bashrc', command: 'source <(<%= config.bin %> completion bash)' },
    { description: 'For zsh, in ~/.zshrc after compinit', command: '<%= config.bin %> completion zsh > _kiss' },
    { description: 'For fish', command: '<%= config.bin %> completion fish > kiss.fish' },
  ]
  static override readonly enableJsonFlag = false
  static override readonly args = {
    shell: Args.string({ description: 'bash, zsh or fish', required: true, options: Object.keys(scripts) }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Completion)
    if (!isShell(args.shell)) throw new KissError('usage', 'the shell is bash, zsh or fish')
    process.stdout.write(scripts[args.shell](completedCommands(this.config.commands)))
  }
}
