/** Starts the command line. */
import { execute } from '@oclif/core'

export async function run(args: string[], dir: string): Promise<void> {
  await execute({ args, dir })
}
