/** `kiss gitlab url`: prints the URL of a job's artifact, for `kiss fetch` and everybody else. */

import { Args, Flags } from '@oclif/core'
import { artifactUrl } from '../../artifact-url.js'
import { BaseCommand } from '../../base-command.js'
import { instanceOf } from '../../instance.js'
import { defaultInstance } from '../../settings.js'

export default class GitlabUrl extends BaseCommand {
  static override summary = "print the URL of an artifact of a ref's latest successful pipeline"
  static override description =
    'Nothing is asked of GitLab. Without PATH it is the URL of all artifacts of the job, as a zip. The host is that of ' +
    "--host, else GITLAB_HOST, else, inside a CI job, the job's own, else gitlab.com."
  static override examples = [
    '<%= config.bin %> <%= command.id %> lava/kernel --job build arch/arm64/boot/Image.gz',
    '<%= config.bin %> fetch "$(<%= config.bin %> <%= command.id %> lava/kernel --job build --ref v6.6 Image.gz)"',
  ]
  static override enableJsonFlag = true

  static override args = {
    project: Args.string({ description: 'group/project, or its number', required: true }),
    path: Args.string({ description: 'path of a file among the artifacts' }),
  }
  static override flags = {
    job: Flags.string({ summary: 'name of the job', required: true, helpValue: 'NAME' }),
    ref: Flags.string({ summary: 'branch or tag', default: 'main', helpValue: 'REF' }),
    host: Flags.string({ summary: 'the GitLab instance, with scheme, port and path where needed', helpValue: 'HOST' }),
  }

  async run(): Promise<{ url: string }> {
    const { args, flags } = await this.parse(GitlabUrl)
    const instance = flags.host === undefined ? defaultInstance(process.env) : instanceOf(flags.host)
    if (instance === undefined) this.error('--host is no host', { exit: 2 })
    const url = artifactUrl(instance, { project: args.project, job: flags.job, ref: flags.ref, path: args.path }).href
    this.log(url)
    return { url }
  }
}
