/** The command that those of this plugin extend. */
export { Command as BaseCommand } from '@oclif/core'
