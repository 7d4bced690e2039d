/** Signature Version 4, by aws4fetch, which is loaded when first needed. */

import type { HttpMethod } from 'kiss-cache/plugin'
import type { Credentials } from './credentials.js'

export interface Signing {
  readonly method: HttpMethod
  readonly url: URL
  readonly credentials: Credentials
  readonly region: string
  /** Milliseconds since the epoch, by the clock of the S3 that will check it. */
  readonly now: number
}

/** SHA-256 of the empty body of a GET. */
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/**
 * The headers that authorise one request; to be added to its own. Only the host and these are signed: ranges and
 * conditions may be changed on the way, and S3 does not ask for them to be signed.
 */
export async function signedHeaders(
  signing: Signing,
  amz: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  const { AwsV4Signer } = await import('aws4fetch')
  const signer = new AwsV4Signer({ ...common(signing), headers: { ...amz, 'x-amz-content-sha256': EMPTY } })
  const { headers } = await signer.sign()
  return Object.fromEntries(headers)
}

/** A URL that authorises its holder, for that method alone, for `expires` seconds (at most a week). */
export async function presignedUrl(
  signing: Signing,
  expires: number,
  amz: Readonly<Record<string, string>> = {},
): Promise<URL> {
  const { AwsV4Signer } = await import('aws4fetch')
  const url = new URL(signing.url)
  url.searchParams.set('X-Amz-Expires', String(expires))
  for (const [name, value] of Object.entries(amz)) url.searchParams.set(name, value)
  const signed = await new AwsV4Signer({ ...common({ ...signing, url }), signQuery: true }).sign()
  return signed.url
}

function common({ method, url, credentials, region, now }: Signing) {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  return {
    method,
    url: url.href,
    service: 's3',
    region,
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
  }
}
