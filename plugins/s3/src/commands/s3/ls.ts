import { Args, BaseCommand, Flags, flagsFor, formatSize } from 'kiss-cache/plugin'
import { findBucket, openAccess } from '../../command.js'
import { listPages } from '../../list.js'
import { typedUrl, type ListedObject } from '../../listing.js'

interface LsResult {
  readonly objects: readonly (ListedObject & { readonly url: string })[]
  readonly prefixes: readonly string[]
}

export default class Ls extends BaseCommand {
  static override readonly summary = 'list a bucket'
  static override readonly description = `Shows the objects directly below the prefix, which ends with a slash for a folder; with --recursive all of them.
The URLs that it prints are those that kiss fetch takes.`
  static override readonly examples = [
    { description: 'List a folder', command: '<%= config.bin %> s3 ls s3://lkft/builds/' },
    {
      description: 'Count bytes with jq',
      command: "<%= config.bin %> s3 ls s3://lkft/builds/ --recursive --json | jq '[.objects[].size] | add'",
    },
  ]
  static override readonly args = {
    url: Args.string({ description: 's3://BUCKET[/PREFIX][?region=REGION]', required: true }),
  }
  static override readonly flags = {
    ...flagsFor(['ca-file']),
    recursive: Flags.boolean({ char: 'r', summary: 'list everything below the prefix' }),
  }

  async run(): Promise<LsResult> {
    const { args, flags } = await this.parse(Ls)
    const { access, http } = await openAccess(this, flags)
    const { bucket, prefix } = findBucket(access, args.url)
    const name = bucket.object.bucket
    const objects: LsResult['objects'][number][] = []
    const prefixes: string[] = []
    const { recursive } = flags
    let found = 0
    for await (const page of listPages({ access, http, bucket, prefix, recursive, signal: this.stop })) {
      found += page.prefixes.length + page.objects.length
      for (const common of page.prefixes) this.log(line('', 'PREFIX', typedUrl(name, common)))
      for (const { key, size, lastModified } of page.objects) {
        const shownSize = size === null ? '-' : formatSize(size)
        this.log(line(lastModified.replace(/\.\d+Z$/, 'Z'), shownSize, typedUrl(name, key)))
      }
      if (!this.jsonEnabled()) continue
      objects.push(...page.objects.map((object) => ({ ...object, url: typedUrl(name, object.key) })))
      prefixes.push(...page.prefixes)
    }
    if (found === 0) this.note(`kiss: there is nothing at ${typedUrl(name, prefix)}`)
    return { objects, prefixes }
  }
}

/** Widths are fixed, because lines are printed as pages arrive. */
function line(modified: string, size: string, url: string): string {
  return `${modified.padEnd(20)}  ${size.padStart(8)}  ${url}`
}
