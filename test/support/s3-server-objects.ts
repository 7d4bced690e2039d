/** What the S3 test server holds, and how it answers reads and listings of it: values, written by the server. */

import { createHash } from 'node:crypto'
import type { Refusal } from './s3-server-signature.js'

export interface S3Version {
  readonly body: Buffer
  readonly etag: string
  readonly lastModified: Date
  readonly contentType: string
  readonly versionId: string
}

export interface S3Bucket {
  readonly name: string
  region: string
  /** Anybody may read. */
  public: boolean
  requesterPays: boolean
  /** By key; the newest version last. */
  readonly objects: Map<string, S3Version[]>
}

export interface S3Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export function makeVersion(
  body: string | Buffer,
  versionId: string,
  contentType = 'application/octet-stream',
): S3Version {
  const bytes = Buffer.from(body)
  const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
  return { body: bytes, etag, lastModified: new Date('2026-01-02T03:04:05Z'), contentType, versionId }
}

/** GET of an object: versions, conditions (RFC 9110 §13.2.2, in that order), one range. */
export function readObject(
  bucket: S3Bucket,
  key: string,
  query: ReadonlyMap<string, string>,
  headers: Readonly<Record<string, string>>,
): S3Answer | Refusal {
  const versions = bucket.objects.get(key)
  const wanted = query.get('versionId')
  const version = wanted === undefined ? versions?.at(-1) : versions?.find(({ versionId }) => versionId === wanted)
  if (versions === undefined) {
    return { status: 404, code: 'NoSuchKey', message: 'The specified key does not exist.', more: { Key: key } }
  }
  if (version === undefined) {
    return { status: 404, code: 'NoSuchVersion', message: 'The specified version does not exist.', more: { Key: key } }
  }
  const { body, etag, lastModified } = version
  const described = {
    etag,
    'last-modified': lastModified.toUTCString(),
    'accept-ranges': 'bytes',
    'x-amz-version-id': version.versionId,
    'content-type': query.get('response-content-type') ?? version.contentType,
    ...pick(query, 'response-content-disposition', 'content-disposition'),
    ...pick(query, 'response-cache-control', 'cache-control'),
  }
  const match = headers['if-match']
  if (match !== undefined && match !== etag) {
    return { status: 412, code: 'PreconditionFailed', message: 'At least one of the pre-conditions did not hold' }
  }
  const noneMatch = headers['if-none-match']
  const since = Date.parse(headers['if-modified-since'] ?? '')
  const unchanged = noneMatch === undefined ? since >= lastModified.getTime() : noneMatch.split(/, */).includes(etag)
  if (unchanged) return { status: 304, headers: described, body: Buffer.alloc(0) }

  const ifRange = headers['if-range']
  const range = ifRange === undefined || ifRange === etag ? headers['range'] : undefined
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? []
  if (from === undefined) return { status: 200, headers: described, body }
  const start = Number(from)
  const end = to === '' || to === undefined ? body.length : Math.min(Number(to) + 1, body.length)
  if (start >= body.length || end <= start) {
    return { status: 416, code: 'InvalidRange', message: 'The requested range is not satisfiable' }
  }
  const contentRange = `bytes ${start}-${end - 1}/${body.length}`
  return { status: 206, headers: { ...described, 'content-range': contentRange }, body: body.subarray(start, end) }
}

/** ListObjectsV2: prefix, delimiter, pages, URL-encoded names where asked for. */
export function listObjects(bucket: S3Bucket, query: ReadonlyMap<string, string>): S3Answer {
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? '']
  const after =
    Buffer.from(query.get('continuation-token') ?? '', 'base64').toString() || (query.get('start-after') ?? '')
  const limit = Math.min(Number(query.get('max-keys') ?? 1000), 1000)
  const encoded = query.get('encoding-type') === 'url'
  const name = (text: string): string => (encoded ? encodeURIComponent(text).replaceAll('%20', '+') : escape(text))

  // Each row is a key, or a common prefix that stands for all keys below it.
  const rows = new Map<string, S3Version | undefined>()
  const keys = [...bucket.objects.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  for (const key of keys.filter((k) => k.startsWith(prefix))) {
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    if (cut < 0) rows.set(key, bucket.objects.get(key)?.at(-1))
    else rows.set(key.slice(0, cut + delimiter.length), undefined)
  }
  const left = [...rows].filter(([row]) => Buffer.compare(Buffer.from(row), Buffer.from(after)) > 0)
  const page = left.slice(0, limit)
  const next = left.length > limit ? Buffer.from(page.at(-1)?.[0] ?? '').toString('base64') : undefined
  const contents = page.map(([key, version]) =>
    version === undefined
      ? `<CommonPrefixes><Prefix>${name(key)}</Prefix></CommonPrefixes>`
      : `<Contents><Key>${name(key)}</Key><LastModified>${version.lastModified.toISOString()}</LastModified>` +
        `<ETag>${escape(version.etag)}</ETag><Size>${version.body.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
  )
  const xml =
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    `<Name>${bucket.name}</Name><Prefix>${name(prefix)}</Prefix><KeyCount>${page.length}</KeyCount><MaxKeys>${limit}</MaxKeys>` +
    (encoded ? '<EncodingType>url</EncodingType>' : '') +
    `<IsTruncated>${String(next !== undefined)}</IsTruncated>${contents.join('')}` +
    (next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`) +
    '</ListBucketResult>'
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: Buffer.from(xml) }
}

export function errorBody({ code, message, more = {} }: Refusal): Buffer {
  const elements = Object.entries({ Code: code, Message: message, ...more, RequestId: '4442587FB7D0A2F9' })
  const inner = elements.map(([name, value]) => `<${name}>${escape(value)}</${name}>`).join('')
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<Error>${inner}</Error>`)
}

function pick(query: ReadonlyMap<string, string>, parameter: string, header: string): Record<string, string> {
  const value = query.get(parameter)
  return value === undefined ? {} : { [header]: value }
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
}
