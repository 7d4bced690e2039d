/** Checks AWS signatures for the S3 test server, from the request's own bytes and independently of what kiss signs with. */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export interface S3Key {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** The key of a session, which must come along. */
  readonly sessionToken?: string
  /** The session is over. */
  expired?: boolean
}

export interface RawRequest {
  readonly method: string
  /** Path and query as sent. */
  readonly path: string
  readonly query: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
}

/** How S3 says no. */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
  /** Further elements of the XML. */
  readonly more?: Readonly<Record<string, string>>
}

export type Verdict =
  | { readonly by: 'nobody' }
  | { readonly by: 'header' | 'query'; readonly key: S3Key }
  | { readonly refusal: Refusal }

export interface Expected {
  readonly keys: readonly S3Key[]
  /** The region that the bucket is in. */
  readonly region: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

const ALGORITHM = 'AWS4-HMAC-SHA256'
const EMPTY_BODY = createHash('sha256').digest('hex')
const MINUTE = 60_000

interface Claim {
  readonly by: 'header' | 'query'
  readonly credential: string
  readonly signedHeaders: string
  readonly signature: string
  /** `20260101T000000Z`. */
  readonly date: string
  readonly token: string | undefined
  readonly bodyHash: string
  /** Seconds; for a presigned URL. */
  readonly expires?: number
}

export function verify(request: RawRequest, expected: Expected): Verdict {
  const inQuery = queryPairs(request.query).some(([name]) => name === 'X-Amz-Signature' || name === 'Signature')
  const inHeader = request.headers['authorization'] !== undefined
  if (!inQuery && !inHeader) return { by: 'nobody' }
  if (inQuery && inHeader) {
    return no(400, 'InvalidArgument', 'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, …')
  }
  const claim = inQuery ? queryClaim(request) : headerClaim(request)
  return 'refusal' in claim ? claim : checkClaim(request, claim, expected)
}

function checkClaim(request: RawRequest, claim: Claim, { keys, region, now }: Expected): Verdict {
  const malformed = claim.by === 'header' ? 'AuthorizationHeaderMalformed' : 'AuthorizationQueryParametersError'
  const [id, day, scopeRegion, service, end, ...rest] = claim.credential.split('/')
  const at = parseDate(claim.date)
  if (at === undefined || rest.length > 0 || end !== 'aws4_request' || service !== 's3') {
    return no(400, malformed, 'the credential or the date is malformed')
  }
  if (day !== claim.date.slice(0, 8)) return no(400, malformed, 'Invalid credential date')
  const key = keys.find(({ accessKeyId }) => accessKeyId === id)
  if (key === undefined) {
    const message = 'The AWS Access Key Id you provided does not exist in our records.'
    return no(403, 'InvalidAccessKeyId', message, { AWSAccessKeyId: id ?? '' })
  }
  if (scopeRegion !== region) {
    const message = `the region '${scopeRegion ?? ''}' is wrong; expecting '${region}'`
    return no(400, malformed, message, claim.by === 'header' ? { Region: region } : {})
  }
  const tooOld = checkTime(claim, at, now)
  if (tooOld !== undefined) return tooOld
  if (claim.token !== key.sessionToken) {
    return no(400, 'InvalidToken', 'The provided token is malformed or otherwise invalid.', {
      'Token-0': claim.token ?? '',
    })
  }
  if (key.expired === true) {
    return no(400, 'ExpiredToken', 'The provided token has expired.', { 'Token-0': claim.token ?? '' })
  }
  return checkSignature(request, claim, key, `${day}/${scopeRegion}/s3/aws4_request`)
}

function checkTime(claim: Claim, at: number, now: number): Verdict | undefined {
  if (claim.by === 'header') {
    if (Math.abs(now - at) <= 15 * MINUTE) return undefined
    const message = 'The difference between the request time and the current time is too large.'
    return no(403, 'RequestTimeTooSkewed', message, { MaxAllowedSkewMilliseconds: '900000' })
  }
  const { expires = NaN } = claim
  if (!(expires >= 1 && expires <= 604_800)) {
    return no(400, 'AuthorizationQueryParametersError', 'X-Amz-Expires must be between 1 and 604800')
  }
  if (at > now + 15 * MINUTE) return no(403, 'AccessDenied', 'Request is not yet valid')
  const end = at + expires * 1000
  return now > end
    ? no(403, 'AccessDenied', 'Request has expired', { Expires: new Date(end).toISOString() })
    : undefined
}

function checkSignature(request: RawRequest, claim: Claim, key: S3Key, scope: string): Verdict {
  const signed = claim.signedHeaders.split(';')
  const mustBeSigned = Object.keys(request.headers).filter((name) => name.startsWith('x-amz-'))
  const unsigned = ['host', ...mustBeSigned].filter((name) => !signed.includes(name))
  if (unsigned.length > 0) {
    const message = 'There were headers present in the request which were not signed'
    return no(403, 'AccessDenied', message, { HeadersNotSigned: unsigned.join(', ') })
  }
  const headers = signed
    .map((name) => `${name}:${(request.headers[name] ?? '').trim().replace(/\s+/g, ' ')}\n`)
    .join('')
  const query = queryPairs(request.query)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
  const path = encode(decode(request.path)).replaceAll('%2F', '/')
  const canonical = [request.method, path, query, headers, claim.signedHeaders, claim.bodyHash].join('\n')
  const toSign = [ALGORITHM, claim.date, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  const secret = scope.split('/').reduce<string | Buffer>((k, part) => hmac(k, part), `AWS4${key.secretAccessKey}`)
  const right = Buffer.from(hmac(secret, toSign).toString('hex'))
  const given = Buffer.from(claim.signature)
  if (right.length === given.length && timingSafeEqual(right, given)) return { by: claim.by, key }
  return no(403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match the one you provided.', {
    AWSAccessKeyId: key.accessKeyId,
    StringToSign: toSign,
    SignatureProvided: claim.signature,
    CanonicalRequest: canonical,
  })
}

function headerClaim({ headers }: RawRequest): Claim | { refusal: Refusal } {
  const authorization = headers['authorization'] ?? ''
  const match = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    authorization,
  )
  const [, credential, signedHeaders, signature] = match ?? []
  if (credential === undefined || signedHeaders === undefined || signature === undefined) {
    return no(400, 'InvalidArgument', 'Unsupported Authorization Type', { ArgumentValue: authorization })
  }
  const bodyHash = headers['x-amz-content-sha256']
  if (bodyHash === undefined) {
    return no(400, 'InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  }
  if (bodyHash !== EMPTY_BODY && bodyHash !== 'UNSIGNED-PAYLOAD') {
    return no(
      400,
      'XAmzContentSHA256Mismatch',
      'The provided x-amz-content-sha256 header does not match what was computed.',
    )
  }
  const date = headers['x-amz-date'] ?? ''
  return { by: 'header', credential, signedHeaders, signature, date, token: headers['x-amz-security-token'], bodyHash }
}

function queryClaim({ query }: RawRequest): Claim | { refusal: Refusal } {
  const pairs = queryPairs(query)
  const one = (name: string): string | undefined => {
    const values = pairs.filter(([n]) => n === name)
    return values.length === 1 ? values[0]?.[1] : undefined
  }
  const [algorithm, credential, signedHeaders, signature, date, expires] = [
    'X-Amz-Algorithm',
    'X-Amz-Credential',
    'X-Amz-SignedHeaders',
    'X-Amz-Signature',
    'X-Amz-Date',
    'X-Amz-Expires',
  ].map(one)
  if (algorithm !== ALGORITHM || !credential || !signedHeaders || !signature || !date || !expires) {
    return no(400, 'AuthorizationQueryParametersError', 'Query-string authentication requires all its parameters.')
  }
  const token = one('X-Amz-Security-Token')
  const claim = { credential, signedHeaders, signature, date, token, bodyHash: 'UNSIGNED-PAYLOAD' }
  return { by: 'query', ...claim, expires: Number(expires) }
}

function no(status: number, code: string, message: string, more: Record<string, string> = {}): { refusal: Refusal } {
  return { refusal: { status, code, message, more } }
}

/** Decoded pairs, in the order of the query. */
export function queryPairs(query: string): [name: string, value: string][] {
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=')
      return at < 0 ? [decode(pair), ''] : [decode(pair.slice(0, at)), decode(pair.slice(at + 1))]
    })
}

/** S3 reads `+` as a blank, in paths too. */
export function decode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function parseDate(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, ...rest] = match.slice(1).map(Number)
  return Date.UTC(year, month - 1, ...rest)
}
