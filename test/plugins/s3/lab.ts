/** A strict S3 with a few buckets, and providers for it, for each test of a suite. */

import type { UpstreamProvider } from '#kiss/provider/types.js'
import type { Env } from '#s3/aws-config.js'
import { createS3Provider } from '#s3/provider.js'
import { S3Server, type S3Key } from '../../support/s3-server.js'
import { keyEnv, keys, withoutAmbientCredentials } from './harness.js'

export const session: S3Key = {
  accessKeyId: 'ASIASESSION',
  secretAccessKey: 'session/secret',
  sessionToken: 'the+token==',
}

export const oddKeys = [
  'builds/Image.gz',
  'with blank',
  'plus+sign',
  "!'()*~",
  'percent%20sign',
  'ü/日本',
  'a//b',
  'q?u#e&r=y',
]

export interface ProviderSettings {
  readonly env?: Env
  readonly serving?: boolean
  readonly section?: object | undefined
}

export class Lab {
  /** The time of S3, and of the providers' clock. */
  now = Date.now()

  constructor(readonly server: S3Server) {}

  provider({ env = keyEnv, serving = false, section }: ProviderSettings = {}): UpstreamProvider {
    const now = (): number => this.now
    return createS3Provider({ env: { ...env, AWS_ENDPOINT_URL: this.server.endpoint }, serving, section, now })
  }

  /** An object as an http URL, without a signature. */
  plainUrl(object: string): string {
    return `${this.server.endpoint}/${object}`
  }

  get last() {
    return this.server.requests.at(-1)
  }
}

/** Called in a suite: returns what gives each of its tests the lab. */
export function s3Lab(): () => Lab {
  let lab: Lab
  withoutAmbientCredentials()
  beforeEach(async () => {
    const now = (): number => lab.now
    const server = await S3Server.start({ keys: [keys, session], now, hosts: { 's3.test': undefined } })
    lab = new Lab(server)
    server.bucket('lkft').bucket('public', { public: true }).bucket('irish', { region: 'eu-west-1' })
    server.bucket('paid', { requesterPays: true })
    for (const key of oddKeys) server.put('lkft', key, `body of ${key}`)
    for (const bucket of ['public', 'irish', 'paid']) server.put(bucket, 'key', 'content')
  })
  afterEach(() => lab.server.close())
  return () => lab
}

/** `s3://` with the key percent-encoded. */
export function s3Url(bucket: string, key: string): string {
  return `s3://${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
}
