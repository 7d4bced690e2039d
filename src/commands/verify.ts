import { unlessAborted } from '../waits.js'
import { BaseCommand } from '../cli/base-command.js'
import { failureLine, type FailureJson } from '../cli/failure.js'
import { verifyFailure, verifyLines } from '../cli/inspect/verify.js'
import { openEngine } from '../cli/open-engine.js'
import { flagsFor } from '../cli/settings/flags.js'
import type { VerifyResult } from '../engine/types.js'

export default class Verify extends BaseCommand {
  static override readonly summary = 'hash every blob again and remove damaged ones'
  static override readonly description =
    'It also removes files without an entry, and entries without a blob. It can run beside a working server. Exit code 5 means that a blob was damaged.'
  static override readonly examples = [
    '<%= config.bin %> verify',
    { description: 'After the index was lost', command: '<%= config.bin %> verify --rebuild' },
  ]
  static override readonly flags = flagsFor(['rebuild', 'cache-dir'])

  async run(): Promise<VerifyResult & { readonly error?: FailureJson }> {
    const { flags } = await this.parse(Verify)
    const { rebuild } = await this.values(flags)
    const engine = await openEngine(this)
    try {
      // Every step leaves the cache consistent: nothing has to be completed after a signal.
      const result = await unlessAborted(engine.verify({ rebuild }), this.stop)
      for (const line of verifyLines(result)) this.log(line)
      const failure = verifyFailure(result)
      if (failure === undefined) return result
      const error = this.failed(failure)
      if (!this.jsonEnabled()) this.note(failureLine(error))
      return { ...result, error }
    } finally {
      await engine.close()
    }
  }
}
