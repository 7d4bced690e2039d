/** An S3 object: where it lies, its name for the cache, its URL for the wire. Pure. */

import { awsHost, fitsHostname, type AwsOptions, type Partition } from './aws-hosts.js'
import { encodeKey } from './object-key.js'

/** A service with the S3 protocol: AWS, by partition (bucket names are unique in one), or another endpoint. */
export type Endpoint =
  | { readonly kind: 'aws'; readonly partition: Partition }
  /** `base` is its URL without a trailing slash. */
  | { readonly kind: 'custom'; readonly base: string }

/** `path`: the bucket is the first part of the path. `virtual`: it is the first part of the host. */
export type Addressing = 'path' | 'virtual'

export interface S3Object {
  readonly endpoint: Endpoint
  readonly bucket: string
  /** As S3 knows it: decoded. */
  readonly key: string
  readonly versionId?: string | undefined
  /** One part of an object that was uploaded in parts: other bytes than the object. */
  readonly partNumber?: string | undefined
}

/** How a bucket is reached, as far as that does not change what is in it. */
export interface Route {
  /** undefined: a host of AWS that names none. */
  readonly region: string | undefined
  readonly addressing: Addressing
  readonly options: AwsOptions
}

export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return endpointName(a) === endpointName(b)
}

export function endpointName(endpoint: Endpoint): string {
  return endpoint.kind === 'aws' ? endpoint.partition.name : endpoint.base
}

const plainAws: AwsOptions = { dualstack: false, fips: false, accelerate: false }

/**
 * The name of the object in the cache. Always with its endpoint, so that two settings of `AWS_ENDPOINT_URL` on one cache
 * directory are two objects; without a region, because that says where a bucket is, not which; and path style, because
 * not every bucket name fits a host.
 */
export function canonicalUrl(object: S3Object): URL {
  const { endpoint } = object
  const base = endpoint.kind === 'aws' ? `https://${awsHost(endpoint.partition, undefined, plainAws)}` : endpoint.base
  return new URL(`${base}/${object.bucket}/${encodeKey(object.key)}${query(object)}`)
}

/** The URL that a request for the object goes to. AWS is always asked over https. */
export function requestUrl(object: S3Object, route: Route): URL {
  return new URL(`${bucketUrl(object.endpoint, object.bucket, route)}/${encodeKey(object.key)}${query(object)}`)
}

/** The URL of a bucket, without a trailing slash. */
export function bucketUrl(endpoint: Endpoint, bucket: string, route: Route): string {
  if (endpoint.kind === 'aws') {
    const host = awsHost(endpoint.partition, route.region, route.options)
    return route.options.accelerate || (route.addressing === 'virtual' && fitsHostname(bucket))
      ? `https://${bucket}.${host}`
      : `https://${host}/${bucket}`
  }
  // An address has no names below it.
  const isAddress = /^https?:\/\/(\[|[\d.]+(:|\/|$))/.test(endpoint.base)
  if (route.addressing === 'path' || isAddress || !fitsHostname(bucket)) return `${endpoint.base}/${bucket}`
  return endpoint.base.replace('://', `://${bucket}.`)
}

function query({ versionId, partNumber }: S3Object): string {
  const parameters = [
    ...(partNumber === undefined ? [] : [`partNumber=${encodeURIComponent(partNumber)}`]),
    ...(versionId === undefined ? [] : [`versionId=${encodeURIComponent(versionId)}`]),
  ]
  return parameters.length === 0 ? '' : `?${parameters.join('&')}`
}
