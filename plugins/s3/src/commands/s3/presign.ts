import { Args, BaseCommand, Flags, KissError, flagsFor, formatDuration, parseDuration } from 'kiss-cache/plugin'
import { findObject, openAccess } from '../../command.js'
import { presignedUrl } from '../../sign.js'

/** Milliseconds: S3 takes no longer. */
const LONGEST = 7 * 86_400_000

interface PresignResult {
  readonly url: string
  readonly method: 'GET' | 'HEAD'
  /** ISO 8601. */
  readonly expiresAt: string
}

export default class Presign extends BaseCommand {
  static override readonly summary = 'print a presigned URL of an object'
  static override readonly description = `The URL gives its holder access to one object until it expires. It is computed without a request to S3: a missing object or right shows when the URL is used.`
  static override readonly examples = [
    {
      description: 'Give read access to an object until tomorrow',
      command: '<%= config.bin %> s3 presign s3://lkft/builds/Image.gz --expires 24h',
    },
    {
      description: 'Download it with curl',
      command: 'curl -fO "$(<%= config.bin %> s3 presign s3://lkft/builds/Image.gz)"',
    },
  ]
  static override readonly args = {
    url: Args.string({
      description: 's3://BUCKET/KEY[?versionId=ID][&region=REGION], or the https URL of an object',
      required: true,
    }),
  }
  static override readonly flags = {
    ...flagsFor(['ca-file']),
    expires: Flags.string({ summary: 'validity of the URL, a week at most', default: '1h', helpValue: '1h' }),
    method: Flags.option({
      summary: 'method of the URL',
      options: ['GET', 'HEAD'] as const,
      default: 'GET' as const,
    })(),
  }

  async run(): Promise<PresignResult> {
    const { args, flags } = await this.parse(Presign)
    const lifetime = parseDuration(flags.expires, '--expires')
    if (lifetime < 1000 || lifetime > LONGEST) {
      throw new KissError('usage', '--expires: S3 takes from one second to seven days')
    }
    const { access } = await openAccess(this, flags)
    const found = findObject(access, args.url)
    if (access.signature(found) === 'never') {
      throw new KissError('credential', `s3: bucket ${found.object.bucket}: the settings have no credentials for it`)
    }
    const credentials = await access.credentials(found).catch((cause: unknown) => {
      throw new KissError('credential', `s3: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    })
    const signing = access.signing({ method: flags.method }, found, credentials)
    const url = await presignedUrl(signing, Math.floor(lifetime / 1000), access.payer(found))
    const end = signing.now + lifetime
    const session = credentials.expiration?.getTime() ?? Infinity
    if (session < end) {
      const left = formatDuration(Math.max(0, session - signing.now))
      this.note(`kiss: the session that signed it ends in ${left}, and the URL with it`)
    }
    this.log(url.href)
    return { url: url.href, method: flags.method, expiresAt: new Date(Math.min(session, end)).toISOString() }
  }
}
