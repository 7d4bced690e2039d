/** What S3 says when it says no: its XML errors read, and what each means. Pure. */

import type { Classification } from 'kiss-cache/plugin'
import { parseAwsHost } from './aws-hosts.js'

export interface S3Failure {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The start of the body; '' for an answer to HEAD. */
  readonly excerpt: string
}

/** The code of an XML error. Only a word of the form that S3 uses: an error page may repeat whatever was sent to it. */
export function errorCode({ excerpt }: S3Failure): string | undefined {
  const code = element(excerpt, 'Code')
  return code !== undefined && code.length <= 64 && /^[A-Z][a-z]+(?:[A-Z]{1,6}[a-z]+)*[A-Z]{0,6}$/.test(code)
    ? code
    : undefined
}

/**
 * The region that the answer says the bucket is in. AWS says it in a header, also to HEAD; others in the body of
 * AuthorizationHeaderMalformed; AWS of old only by an endpoint.
 */
export function namedRegion({ headers, excerpt }: S3Failure): string | undefined {
  const named = headers['x-amz-bucket-region'] ?? element(excerpt, 'Region')
  return named ?? parseAwsHost(element(excerpt, 'Endpoint')?.toLowerCase() ?? '')?.region
}

/** Was the request sent to, or signed for, another region than the bucket's? */
export function isWrongRegion(failure: S3Failure): boolean {
  const code = errorCode(failure)
  if (code === undefined) return [301, 307, 400].includes(failure.status) && namedRegion(failure) !== undefined
  return ['PermanentRedirect', 'TemporaryRedirect', 'Redirect', 'AuthorizationHeaderMalformed'].includes(code)
}

/** Was the session, or the signature, too old? To HEAD, S3 says so with a bare 400. */
export function isExpired(failure: S3Failure): boolean {
  const code = errorCode(failure)
  if (code === 'AccessDenied') return /<Message>Request has expired/.test(failure.excerpt)
  return code === undefined ? failure.status === 400 && failure.excerpt === '' : expiredCodes.has(code)
}

const expiredCodes = new Set(['ExpiredToken', 'TokenRefreshRequired', 'RequestExpired'])

/** Do the clocks differ? The answer's Date then says by how much. */
export function isSkewed(failure: S3Failure): boolean {
  return errorCode(failure) === 'RequestTimeTooSkewed'
}

/** The meaning of a code for every request; undefined leaves it to the status. */
export function meaning(code: string | undefined): Classification | undefined {
  return code === undefined ? undefined : meanings[code]
}

const meanings: Readonly<Record<string, Classification>> = {
  InternalError: 'retry',
  RequestTimeout: 'retry',
  ServiceUnavailable: 'retry',
  SlowDown: 'retry',
  Throttling: 'retry',
  ThrottlingException: 'retry',
  RequestLimitExceeded: 'retry',
  OperationAborted: 'retry',
  NoSuchBucket: 'gone',
  NoSuchKey: 'gone',
  NoSuchVersion: 'gone',
  AccessDenied: 'denied',
  AccountProblem: 'denied',
  AllAccessDisabled: 'denied',
  InvalidAccessKeyId: 'denied',
  InvalidObjectState: 'denied',
  InvalidToken: 'denied',
  SignatureDoesNotMatch: 'denied',
  ExpiredToken: 'denied',
  RequestTimeTooSkewed: 'denied',
}

/** The text of the first element of that name, entities left as they are. */
function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<>]{1,1024})</${name}>`).exec(xml)?.[1]
}
