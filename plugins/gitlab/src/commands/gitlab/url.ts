/** `kiss gitlab url`: prints the URL of a job's artifact, for `kiss fetch` and everybody else. */

import { Args, BaseCommand, Flags, KissError } from 'kiss-cache/plugin'
import { artifactUrl } from '../../artifact-url.js'
import { instanceOf } from '../../instance.js'
import { defaultInstance } from '../../settings.js'

export default class GitlabUrl extends BaseCommand {
  static override readonly summary = "print the URL of an artifact of a ref's latest successful pipeline"
  static override readonly description =
    'Nothing is asked of GitLab. Without PATH it is the URL of all artifacts of the job, as a zip.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> lab/kernel --job build arch/arm64/boot/Image.gz',
    '<%= config.bin %> fetch "$(<%= config.bin %> <%= command.id %> lab/kernel --job build --ref v6.6 Image.gz)"',
  ]
  static override readonly args = {
    project: Args.string({ description: 'group/project, or its number', required: true }),
    path: Args.string({ description: 'path of a file among the artifacts' }),
  }
  static override readonly flags = {
    job: Flags.string({ summary: 'name of the job', required: true, helpValue: 'NAME' }),
    ref: Flags.string({ summary: 'branch or tag', default: 'main', helpValue: 'REF' }),
    host: Flags.string({
      summary:
        "the instance, with scheme, port and path where needed; else GITLAB_HOST, the CI job's own, the only one in the configuration file, gitlab.com",
      helpValue: 'HOST',
    }),
  }

  async run(): Promise<{ url: string }> {
    const { args, flags } = await this.parse(GitlabUrl)
    const { job, ref, host } = flags
    const { file } = await this.settings(flags)
    const url = told(() => {
      const instance =
        host === undefined ? defaultInstance(process.env, file?.sections.get('gitlab')?.value) : instanceOf(host)
      if (instance === undefined) throw new Error('--host is no host, and no http or https URL of one without a user')
      return artifactUrl(instance, { project: args.project, job, ref, path: args.path })
    })
    this.log(url.href)
    return { url: url.href }
  }
}

/** A fault in the user's text is a usage error. */
function told<T>(build: () => T): T {
  try {
    return build()
  } catch (error) {
    throw new KissError('usage', error instanceof Error ? error.message : String(error), { cause: error })
  }
}
