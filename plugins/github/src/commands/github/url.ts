/** `kiss github url`: prints the URL of a release asset or an artifact, for `kiss fetch` and every other client. */

import { Args, BaseCommand, Flags, KissError } from 'kiss-cache/plugin'
import { githubUrl } from '../../github-url.js'
import { placeOf } from '../../place.js'
import { defaultPlace } from '../../settings.js'

export default class GithubUrl extends BaseCommand {
  static override readonly summary = 'print the URL of a release asset or of an artifact of Actions'
  static override readonly description =
    'Nothing is asked of GitHub. NAME!/PATH names a file in the artifact, which is a zip archive.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> lab/kernel --release v1.2 Image.gz',
    '<%= config.bin %> <%= command.id %> lab/kernel --run 4711 build',
    '<%= config.bin %> fetch "$(<%= config.bin %> <%= command.id %> lab/kernel --workflow build.yml --branch main build!/boot/Image.gz)"',
  ]
  static override readonly args = {
    repository: Args.string({ description: 'owner/name', required: true }),
    name: Args.string({ description: 'name of the asset or the artifact', required: true }),
  }
  static override readonly flags = {
    release: Flags.string({ summary: 'tag of the release, or latest', helpValue: 'TAG' }),
    run: Flags.string({ summary: 'number of a run of Actions', helpValue: 'ID' }),
    workflow: Flags.string({ summary: 'file of a workflow: its newest successful run', helpValue: 'FILE' }),
    branch: Flags.string({ summary: 'branch of the run, with --workflow', default: 'main', helpValue: 'BRANCH' }),
    host: Flags.string({
      summary: 'host of GitHub; default: GH_HOST, GITHUB_SERVER_URL, github.com',
      helpValue: 'HOST',
    }),
  }

  async run(): Promise<{ url: string }> {
    const { args, flags } = await this.parse(GithubUrl)
    const { release, run, workflow, branch, host } = flags
    try {
      const place = host === undefined ? defaultPlace(process.env) : placeOf(host)
      if (place === undefined) throw new Error('--host is no host, and no http or https URL of one')
      const { href } = githubUrl(place, { ...args, release, run, workflow, branch })
      if (href.startsWith('github:') && place.web !== defaultPlace(process.env).web) {
        throw new Error('--host is for --release; set GH_HOST for the artifacts of another GitHub')
      }
      this.log(href)
      return { url: href }
    } catch (error) {
      throw new KissError('usage', error instanceof Error ? error.message : String(error), { cause: error })
    }
  }
}
