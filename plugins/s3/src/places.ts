/** Where buckets are: from a URL to its object, from a bucket to its endpoint, region and profile. Pure, given the settings. */

import { parseAwsHost, partitionOf, type AwsHost, type AwsOptions } from './aws-hosts.js'
import type { AwsConfig } from './aws-config.js'
import { decodeStrict, isKey } from './object-key.js'
import { sameEndpoint, type Addressing, type Endpoint, type S3Object } from './object.js'
import { isRegion, readTyped, readWeb, type TypedBucket, type WebObject } from './object-url.js'
import { endpointUrl, type Settings } from './settings.js'

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
  /** The fault in the settings of this place. */
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
        typed !== undefined && base === undefined
          ? 'its endpoint is no http or https URL; write it as http://minio.lab:9000'
          : regionProblem(region, custom),
    }
  }

  /** undefined: not an object of S3, as far as the settings know. */
  find(url: URL): Found | undefined {
    const typed = readTyped(url)
    if (typed !== undefined) return isKey(typed.rest) ? this.#typed(typed) : undefined
    if (!/^https?:$/.test(url.protocol)) return undefined
    return this.#onAws(url) ?? this.#onCustom(url)
  }

  /** Reads `s3://BUCKET[/PREFIX][?region=…]`: a bucket and the beginning of keys. */
  findBucket(url: URL): { readonly bucket: Found; readonly prefix: string } | undefined {
    const typed = readTyped(url)
    if (typed === undefined || typed.versionId !== undefined) return undefined
    return { bucket: this.#typed({ ...typed, rest: '' }), prefix: typed.rest }
  }

  #typed({ bucket, rest: key, versionId, region }: TypedBucket): Found {
    const { endpoint } = this.home(bucket, region)
    return { object: { endpoint, bucket, key, versionId }, scheme: 's3', region, options: undefined }
  }

  #onAws(url: URL): Found | undefined {
    const host = url.port === '' ? parseAwsHost(url.hostname) : undefined
    if (host === undefined) return undefined
    // AWS reads a bare `+` in a path as a blank, unlike RFC 3986; a plus in a key arrives as %2B.
    const path = decodeStrict(url.pathname.slice(1).replaceAll('+', '%20'))
    const object = readWeb(url, host.bucket, path)
    const { partition, region, dualstack, fips, accelerate } = host
    return object && { ...onWeb({ kind: 'aws', partition }, object), region, options: { dualstack, fips, accelerate } }
  }

  #onCustom(url: URL): Found | undefined {
    const path = decodeStrict(url.pathname)
    if (path === undefined) return undefined
    for (const { base, protocol, host, root } of (this.#bases ??= this.#customBases())) {
      if (url.protocol !== protocol || !path.startsWith(`${root}/`)) continue
      const inHost = url.host.endsWith(`.${host}`) ? url.host.slice(0, -host.length - 1) : undefined
      if (url.host !== host && !this.#isVirtual(inHost, base)) continue
      const object = readWeb(url, inHost, path.slice(root.length + 1))
      if (object !== undefined) return onWeb({ kind: 'custom', base }, object)
    }
    return undefined
  }

  /** Only where the settings say so: www.example.com is no bucket of an S3 at example.com. */
  #isVirtual(bucket: string | undefined, base: string): boolean {
    const home = bucket === undefined ? undefined : this.home(bucket)
    return home?.addressing === 'virtual' && sameEndpoint(home.endpoint, { kind: 'custom', base })
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

/** An endpoint that is AWS itself, written as a URL. */
function awsEndpoint(base: string): AwsHost | undefined {
  const { hostname, port, pathname } = new URL(base)
  const host = port === '' && pathname === '/' ? parseAwsHost(hostname) : undefined
  return host?.bucket === undefined ? host : undefined
}

function onWeb(endpoint: Endpoint, object: WebObject): Found {
  return { object: { endpoint, ...object }, scheme: 'http', region: undefined, options: undefined }
}

/** On AWS the region is a part of the host; elsewhere it is a part of the signature alone. */
function regionProblem(region: string, custom: boolean): string | undefined {
  if (custom ? /^[\w.-]+$/.test(region) : isRegion(region)) return undefined
  return `its region ${JSON.stringify(region)} is no name of a region; write it as eu-west-1`
}
