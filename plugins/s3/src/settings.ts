/** The section `s3:` of the configuration file and KISS_S3_BUCKETS, checked. Pure. */

import type { Sharing } from 'kiss-cache/plugin'
import type { Env } from './aws-config.js'
import { decodeStrict, encodeKey, isBucket } from './object-key.js'
import type { Addressing } from './object.js'

/** What can be said of all buckets, and of each. */
export interface BucketSettings {
  readonly endpoint?: string
  readonly region?: string
  readonly addressing?: Addressing
  readonly profile?: string
  /** Never sign. */
  readonly anonymous?: boolean
  /** The requester pays for requests and traffic, if the bucket is set up so. */
  readonly requesterPays?: boolean
  /** The clients that may read objects that were fetched with lent credentials. */
  readonly share?: Sharing
}

export interface Settings extends BucketSettings {
  readonly buckets: ReadonlyMap<string, BucketSettings>
  /** Buckets that `kiss serve` reads with its own credentials for all its clients; `*` for all buckets. */
  readonly lend: ReadonlySet<string>
  readonly share: Sharing
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
const flag = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined)
const oneOf =
  <T extends string>(...words: T[]) =>
  (value: unknown): T | undefined =>
    words.find((word) => word === value)

/** Per key of the file: the name here, what it must be, and how it is read; undefined is an error. */
const fields = {
  endpoint: ['endpoint', 'an http or https URL', (value) => endpointUrl(text(value))],
  region: ['region', 'the name of a region', (value) => text(value)?.match(/^[A-Za-z0-9-]{1,64}$/)?.[0]],
  addressing: ['addressing', 'path or virtual', oneOf('path', 'virtual')],
  profile: ['profile', 'the name of a profile', text],
  anonymous: ['anonymous', 'true or false', flag],
  'requester-pays': ['requesterPays', 'true or false', flag],
  share: ['share', 'all, probe or never', oneOf<Sharing>('all', 'probe', 'never')],
} as const satisfies Record<string, [keyof BucketSettings, string, (value: unknown) => unknown]>

export function readSettings(section: unknown, env: Env): Settings {
  const all = record(section ?? {}, 's3')
  const { buckets = {}, lend, ...defaults } = all
  const perBucket = Object.entries(record(buckets, 's3.buckets')).map(([name, value]) => {
    if (!isBucket(name)) throw new Error(`s3.buckets: ${name} is not the name of a bucket`)
    return [name, bucketSettings(record(value ?? {}, `s3.buckets.${name}`), `s3.buckets.${name}`)] as const
  })
  return {
    share: 'all',
    ...bucketSettings(defaults, 's3', ['buckets', 'lend']),
    buckets: new Map(perBucket),
    lend: new Set(lent(env['KISS_S3_BUCKETS'], lend)),
  }
}

/**
 * Reads an endpoint as people write it, with or without a trailing slash; undefined where it is none. Its path is encoded as
 * a key is: a signature covers that form, whatever was sent.
 */
export function endpointUrl(typed: string | undefined): string | undefined {
  if (typed === undefined || !URL.canParse(typed)) return undefined
  const url = new URL(typed)
  const usable = /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  if (!usable || url.search !== '' || url.hash !== '') return undefined
  const path = decodeStrict(url.pathname)
  return `${url.origin}${path === undefined ? url.pathname : encodeKey(path)}`.replace(/\/+$/, '')
}

/** @param also further keys that stand there */
function bucketSettings(
  values: Readonly<Record<string, unknown>>,
  where: string,
  also: readonly string[] = [],
): BucketSettings {
  const entries = Object.entries(values).map(([key, value]) => {
    const field = Object.hasOwn(fields, key) ? fields[key as keyof typeof fields] : undefined
    if (field === undefined)
      throw new Error(`${where}: unknown key ${key}; known are ${[...Object.keys(fields), ...also].join(', ')}`)
    const [name, expected, read] = field
    const checked = read(value)
    if (checked === undefined) throw new Error(`${where}.${key} must be ${expected}`)
    return [name, checked] as const
  })
  return Object.fromEntries(entries)
}

function lent(fromEnv: string | undefined, fromFile: unknown): string[] {
  const source = fromEnv === undefined ? 's3.lend' : 'KISS_S3_BUCKETS'
  const list: unknown = fromEnv === undefined ? (fromFile ?? []) : fromEnv.split(',').map((name) => name.trim())
  if (!Array.isArray(list)) throw new Error('s3.lend must be a list of buckets')
  const names = list.filter((name) => name !== '')
  return names.map((name: unknown) => {
    if (typeof name === 'string' && (name === '*' || isBucket(name))) return name
    throw new Error(`${source}: ${String(name)} is not the name of a bucket; * stands for all`)
  })
}

function record(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${where} must be a mapping`)
  return { ...value }
}
