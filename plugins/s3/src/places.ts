/** Where buckets are: from a URL to its object, from a bucket to its endpoint, region and profile. Pure, given the settings. */

import { parseAwsHost, partitionOf, type AwsHost, type AwsOptions } from './aws-hosts.js'
import type { AwsConfig } from './aws-config.js'
import { decodeStrict, decodeTyped, isBucket, isKey } from './object-key.js'
import { sameEndpoint, type Addressing, type Endpoint, type S3Object } from './object.js'
import { endpointUrl, type Settings } from './settings.js'
import { contentParameters } from './signed-url.js'

/** Where `s3://BUCKET` goes, and how. */
export interface Place {
  readonly endpoint: Endpoint
  /** The best guess: a wrong one is corrected by the answer. */
  readonly region: string
  readonly addressing: Addressing
  readonly options: AwsOptions
  readonly profile: string | undefined
  readonly anonymous: boolean
  readonly requesterPays: boolean
  /** The settings name a profile or who pays for this very bucket: there is no point in asking without a signature. */
  readonly private: boolean
  /** What is wrong with the settings of this place. */
  readonly problem: string | undefined
}

export interface Found {
  readonly object: S3Object
  /** `s3://` says: with credentials. An `http` one says what curl would do with it. */
  readonly scheme: 's3' | 'http'
  /** As the URL names it. */
  readonly region: string | undefined
  /** As the URL's host has them; undefined: as the place has them. */
  readonly options: AwsOptions | undefined
}

export class Places {
  readonly #settings: Settings
  readonly #config: (profile: string | undefined) => AwsConfig
  #bases: readonly CustomBase[] | undefined

  /** @param config What AWS's own settings say, for the profile that kiss's settings name. */
  constructor(settings: Settings, config: (profile: string | undefined) => AwsConfig) {
    this.#settings = settings
    this.#config = config
  }

  home(bucket: string, askedRegion?: string): Place {
    const own = this.#settings.buckets.get(bucket) ?? {}
    const merged = { ...this.#settings, ...own }
    const config = this.#config(merged.profile)
    const typed = merged.endpoint ?? config.endpoint
    const base = endpointUrl(typed)
    const host = base === undefined ? undefined : awsEndpoint(base)
    const custom = base !== undefined && host === undefined
    const region = askedRegion ?? merged.region ?? host?.region ?? config.region ?? host?.partition.home ?? 'us-east-1'
    return {
      endpoint: custom ? { kind: 'custom', base } : { kind: 'aws', partition: host?.partition ?? partitionOf(region) },
      region,
      addressing: merged.addressing ?? config.addressing ?? (custom ? 'path' : 'virtual'),
      options: {
        dualstack: config.dualstack || host?.dualstack === true,
        fips: config.fips || host?.fips === true,
        accelerate: false,
      },
      profile: merged.profile,
      anonymous: merged.anonymous ?? false,
      requesterPays: merged.requesterPays ?? false,
      private: own.profile !== undefined || own.requesterPays === true,
      problem:
        typed !== undefined && base === undefined ? 'the endpoint in the settings is no http or https URL' : undefined,
    }
  }

  /** undefined: not an object of S3, as far as the settings know. */
  find(url: URL): Found | undefined {
    if (url.protocol === 's3:') return this.#typed(url)
    if (!/^https?:$/.test(url.protocol)) return undefined
    return this.#onAws(url) ?? this.#onCustom(url)
  }

  /** Reads `s3://BUCKET[/PREFIX][?region=…]`: a bucket and the beginning of keys. */
  findBucket(url: URL): { readonly bucket: Found; readonly prefix: string } | undefined {
    const parameters = knownParameters(url.searchParams, ['region'])
    const { protocol, hostname, port, pathname } = url
    if (protocol !== 's3:' || port !== '' || !isBucket(hostname) || parameters === undefined) return undefined
    const { region } = parameters
    if (region !== undefined && !isRegion(region)) return undefined
    const object = { endpoint: this.home(hostname, region).endpoint, bucket: hostname, key: '' }
    return { bucket: { object, scheme: 's3', region, options: undefined }, prefix: decodeTyped(pathname.slice(1)) }
  }

  #typed(url: URL): Found | undefined {
    const parameters = knownParameters(url.searchParams, ['versionId', 'region'])
    const bucket = url.hostname
    const key = decodeTyped(url.pathname.slice(1))
    if (parameters === undefined || url.port !== '' || !isBucket(bucket) || !isKey(key)) return undefined
    const { versionId, region } = parameters
    if (region !== undefined && !isRegion(region)) return undefined
    const { endpoint } = this.home(bucket, region)
    return { object: { endpoint, bucket, key, versionId }, scheme: 's3', region, options: undefined }
  }

  #onAws(url: URL): Found | undefined {
    const host = url.port === '' ? parseAwsHost(url.hostname) : undefined
    if (host === undefined) return undefined
    // AWS reads a bare `+` in a path as a blank, unlike RFC 3986; a plus in a key arrives as %2B.
    const path = decodeStrict(url.pathname.slice(1).replaceAll('+', '%20'))
    return found(url, { kind: 'aws', partition: host.partition }, host.bucket, path, host)
  }

  #onCustom(url: URL): Found | undefined {
    const path = decodeStrict(url.pathname)
    if (path === undefined) return undefined
    for (const { base, protocol, host, root } of (this.#bases ??= this.#customBases())) {
      const endpoint = { kind: 'custom', base } as const
      if (url.protocol !== protocol || !path.startsWith(`${root}/`)) continue
      const rest = path.slice(root.length + 1)
      if (url.host === host) return found(url, endpoint, undefined, rest)
      if (!url.host.endsWith(`.${host}`)) continue
      // Only where the settings say so: www.example.com is no bucket of an S3 at example.com.
      const bucket = url.host.slice(0, -host.length - 1)
      const home = this.home(bucket)
      if (home.addressing === 'virtual' && sameEndpoint(home.endpoint, endpoint))
        return found(url, endpoint, bucket, rest)
    }
    return undefined
  }

  #customBases(): CustomBase[] {
    const homes = [this.home(''), ...[...this.#settings.buckets.keys()].map((bucket) => this.home(bucket))]
    const bases = homes.flatMap(({ endpoint }) => (endpoint.kind === 'custom' ? [endpoint.base] : []))
    return [...new Set(bases)].map((base) => {
      const { protocol, host, pathname } = new URL(base)
      return { base, protocol, host, root: decodeStrict(pathname.replace(/\/$/, '')) ?? pathname }
    })
  }
}

interface CustomBase {
  readonly base: string
  readonly protocol: string
  readonly host: string
  /** The path in front of buckets, decoded, without a trailing slash. */
  readonly root: string
}

/** What may be a region, of AWS or of anybody. */
function isRegion(text: string): boolean {
  return /^[A-Za-z0-9-]{1,64}$/.test(text)
}

/** An endpoint that is AWS itself, written as a URL. */
function awsEndpoint(base: string): AwsHost | undefined {
  const { hostname, port, pathname } = new URL(base)
  const host = port === '' && pathname === '/' ? parseAwsHost(hostname) : undefined
  return host?.bucket === undefined ? host : undefined
}

/** Takes bucket and key from a decoded path; only what names an object, and nothing about it (`?acl`), is one. */
function found(
  url: URL,
  endpoint: Endpoint,
  hostBucket: string | undefined,
  path: string | undefined,
  host?: AwsHost,
): Found | undefined {
  if (path === undefined) return undefined
  const slash = path.indexOf('/')
  const bucket = hostBucket ?? path.slice(0, Math.max(slash, 0))
  const key = hostBucket === undefined ? path.slice(slash + 1) : path
  const query = new URLSearchParams(contentParameters(url).join('&'))
  const parameters = knownParameters(query, ['versionId', 'partNumber'])
  if (parameters === undefined || !isBucket(bucket) || !isKey(key)) return undefined
  const { versionId, partNumber } = parameters
  if (partNumber !== undefined && !/^\d{1,5}$/.test(partNumber)) return undefined
  return {
    object: { endpoint, bucket, key, versionId, partNumber },
    scheme: 'http',
    region: host?.region,
    options: host && { dualstack: host.dualstack, fips: host.fips, accelerate: host.accelerate },
  }
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
