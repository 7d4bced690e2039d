/** Reads bucket, key and version from URLs of every S3 service. Pure. */

import { decodeTyped, isBucket, isKey } from './object-key.js'
import { contentParameters } from './signed-url.js'

/** What may be a region, of AWS or of anybody. */
export function isRegion(text: string): boolean {
  return /^[A-Za-z0-9-]{1,64}$/.test(text)
}

export interface TypedBucket {
  readonly bucket: string
  /** What follows, decoded: a key, the beginning of some, or nothing. */
  readonly rest: string
  readonly versionId: string | undefined
  readonly region: string | undefined
}

/** Reads `s3://BUCKET[/REST][?versionId=…&region=…]`; undefined where it says anything else. */
export function readTyped(url: URL): TypedBucket | undefined {
  const { protocol, hostname, port, pathname, searchParams } = url
  if (hasUser(url)) return undefined
  const parameters = knownParameters(searchParams, ['versionId', 'region'])
  if (protocol !== 's3:' || port !== '' || !isBucket(hostname) || parameters === undefined) return undefined
  const { versionId, region } = parameters
  if (region !== undefined && !isRegion(region)) return undefined
  return { bucket: hostname, rest: decodeTyped(pathname.slice(1)), versionId, region }
}

/** Is there a user or a password before the bucket? Other tools take the keys of AWS there. */
function hasUser({ username, password }: URL): boolean {
  return username !== '' || password !== ''
}

/** What to write instead of a URL that names no object, or no bucket. */
export function notA(what: 'object' | 'bucket', url: URL): string {
  const { protocol, search } = url
  if (protocol === 's3:' && hasUser(url))
    return 'an s3:// URL takes no user and password; kiss signs with the AWS credentials of its environment'
  const example = what === 'object' ? 's3://bucket/key' : 's3://bucket/prefix'
  const typo = protocol === 's3:' && search !== '' ? ', and a ? within a key as %3F' : ''
  return `that is no ${what}; write ${example}${typo}`
}

export interface WebObject {
  readonly bucket: string
  readonly key: string
  readonly versionId: string | undefined
  readonly partNumber: string | undefined
}

/**
 * Takes bucket and key from the decoded path of an http URL. Only what names an object, and nothing about it (`?acl`), is
 * one.
 * @param hostBucket undefined: path style
 */
export function readWeb(url: URL, hostBucket: string | undefined, path: string | undefined): WebObject | undefined {
  if (path === undefined) return undefined
  const slash = path.indexOf('/')
  const bucket = hostBucket ?? path.slice(0, Math.max(slash, 0))
  const key = hostBucket === undefined ? path.slice(slash + 1) : path
  const query = new URLSearchParams(contentParameters(url).join('&'))
  const parameters = knownParameters(query, ['versionId', 'partNumber'])
  if (parameters === undefined || !isBucket(bucket) || !isKey(key)) return undefined
  const { versionId, partNumber } = parameters
  return partNumber === undefined || /^\d{1,5}$/.test(partNumber) ? { bucket, key, versionId, partNumber } : undefined
}

/** The parameters, where each has a known name, a value, and stands there once; undefined where one may mean anything. */
function knownParameters<K extends string>(
  parameters: URLSearchParams,
  known: readonly K[],
): Partial<Record<K, string>> | undefined {
  const entries = [...parameters]
  const fine = entries.every(([name, value]) => known.some((k) => k === name) && value !== '')
  const once = new Set(parameters.keys()).size === entries.length
  return fine && once ? (Object.fromEntries(entries) as Partial<Record<K, string>>) : undefined
}
